/** Descriptors that a message carries, as formats write them. */
import { escapeText } from "../bytes/escape.ts";
import { latin1 } from "../bytes/latin1.ts";
import { Output } from "../bytes/output.ts";
import type { PassedFile } from "../event.ts";

const decoder = new TextDecoder();

/** `[{"fd":7,"what":"socket","path":"/run/x","dst_fd":5}]`; a comma is never followed by a blank */
export function passedJson(files: readonly PassedFile[], out: Output): void {
  const objects = files.map(({ fd, what, path, given }) => ({
    ...(fd < 0 ? {} : { fd }),
    what,
    ...(path === null ? {} : { path: decoder.decode(path) }),
    ...(given < 0 ? {} : { dst_fd: given }),
  }));
  out.string(JSON.stringify(objects).replaceAll(", ", "\\u002c "));
}

/** `2 (socket, /dev/dri/card0)` */
export function passedText(files: readonly PassedFile[], out: Output): void {
  const words = files.map(({ what, path }) => {
    if (path === null) return what;
    const escaped = new Output(path.length * 4 + 16);
    escapeText(path, 0, path.length, escaped, 0x2c);
    return latin1(escaped.bytes.subarray(0, escaped.length)).replaceAll(")", "\\x29");
  });
  const line = `${files.length} (${words.join(", ")})`;
  const bytes = Uint8Array.from(line, (character) => character.charCodeAt(0));
  out.copy(bytes, 0, bytes.length);
}
