/** journald's own datagrams: fields as NAME=value and a newline, or as a name, a length and bytes. */
import { latin1 } from "../../bytes/latin1.ts";
import type { Said } from "../message.ts";
import type { Head, Protocol } from "../protocol.ts";
import { field, text, word } from "./words.ts";

const newline = 0x0a;
const equals = 0x3d;
const longestName = 64;
const fieldName = /^[A-Z_][A-Z0-9_]*$/;
const severities = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
const wanted = ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "CODE_FUNC"];

function datagram({ bytes, path }: Head): Said | null {
  if (!/\/journal\/socket$|\/systemd\/journal\./.test(path)) return null;
  const fields = new Map<string, Uint8Array>();
  for (let at = 0; at < bytes.length; ) {
    const found = bytes
      .subarray(at, at + longestName + 1)
      .findIndex((byte) => byte === equals || byte === newline);
    if (found < 1) return null;
    const name = latin1(bytes.subarray(at, at + found));
    if (!fieldName.test(name)) return null;
    let from = at + found + 1;
    let end = bytes.indexOf(newline, from);
    if (bytes[at + found] === newline) {
      if (from + 8 > bytes.length) break;
      const view = new DataView(bytes.buffer, bytes.byteOffset + from, 8);
      from += 8;
      // a length of 2^32 or more is beyond any datagram
      end = from + (view.getUint32(4, true) === 0 ? view.getUint32(0, true) : bytes.length);
    }
    if (end < 0 || end > bytes.length) end = bytes.length;
    if (wanted.includes(name)) fields.set(name, word(bytes, from, end));
    at = end + 1;
  }
  const message = fields.get("MESSAGE");
  const severity = severities[Number(latin1(fields.get("PRIORITY") ?? text("")) || Number.NaN)];
  return {
    kind: "notification",
    name: fields.get("SYSLOG_IDENTIFIER") ?? text("journal"),
    fields: [
      ...(severity === undefined ? [] : [field("severity", severity)]),
      ...(message === undefined ? [] : [field("text", message)]),
    ],
  };
}

export const journal: Protocol = {
  name: "journal",
  kinds: ["unix-dgram"],
  datagram,
};
