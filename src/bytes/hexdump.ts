import type { Contents } from "../event.ts";
import type { Output } from "./output.ts";

const space = 0x20;
const bar = 0x7c;
const rowLength = 16;
/** tab, offset, two spaces, sixteen bytes as `hh ` with a gap, a space, the characters in bars, newline */
const rowSize = 1 + 8 + 2 + 49 + 1 + 1 + rowLength + 1 + 1;

const hexDigits = "0123456789abcdef";
/** "hh" and two spaces for each byte. The next byte overwrites the second space, but for the gap. */
const hexWords = Uint32Array.from({ length: 256 }, (_, byte) => {
  const pair = hexDigits.charCodeAt(byte >> 4) | (hexDigits.charCodeAt(byte & 15) << 8);
  return pair | (space << 16) | (space << 24);
});
/** Each byte as it shows between the bars: a dot for what is not printable ASCII. */
const shown = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x20 && byte < 0x7f ? byte : 0x2e));

/** bytes at once of what is long: whole rows, 4 MB of them */
const slice = 48 * 1024 * rowLength;

/** Rows of `hexdump -C`, each after one tab, without the closing offset. */
export function hexdump({ bytes, start, length }: Contents, out: Output): void {
  if (length <= slice) {
    rows(bytes, start, 0, length, out);
    return;
  }
  let from = 0;
  out.pieces(() => {
    rows(bytes, start, from, Math.min(length, from + slice), out);
    from += slice;
    return from < length;
  });
}

/** The rows of the bytes `first` to `length` (exclusive) behind `start`. */
function rows(source: Uint8Array, start: number, first: number, length: number, out: Output): void {
  out.ensure(Math.ceil((length - first) / rowLength) * rowSize);
  const { bytes, view } = out;
  let at = out.length;
  for (let offset = first; offset < length; offset += rowLength) {
    const count = Math.min(rowLength, length - offset);
    bytes[at++] = 0x09;
    for (let shift = 28; shift >= 0; shift -= 4) {
      bytes[at++] = hexDigits.charCodeAt((offset >>> shift) & 15);
    }
    bytes[at++] = space;
    bytes[at++] = space;
    const characters = at + 50;
    for (let i = 0; i < count; i++) {
      view.setUint32(at, hexWords[source[start + offset + i] as number] as number, true);
      at += i === 7 ? 4 : 3;
    }
    while (at < characters) bytes[at++] = space;
    bytes[at++] = bar;
    for (let i = 0; i < count; i++) bytes[at++] = shown[source[start + offset + i] as number] as number;
    bytes[at++] = bar;
    bytes[at++] = 0x0a;
  }
  out.length = at;
}
