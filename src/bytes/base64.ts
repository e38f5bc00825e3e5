import type { Contents } from "../event.ts";
import { type Literal, literal, type Output } from "./output.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const padding = 0x3d;
/** From here on the engine's own encoder is faster, its string included (measured: 5 times at 1 KB). */
const nativeFrom = 1024;
/** Bytes per native call, a multiple of three, so that the pieces join. */
const nativePiece = 48 * 1024;
/** bytes at once of what is long */
const slice = 32 * nativePiece;
const nothing = literal("");

/** The two characters of each 12-bit number, as a little-endian half-word. */
const pairs = new Uint16Array(4096);
for (let first = 0, at = 0; first < 64; first++) {
  const left = alphabet.charCodeAt(first);
  for (let second = 0; second < 64; second++) pairs[at++] = left | (alphabet.charCodeAt(second) << 8);
}

/** RFC 4648 base64 with padding, and what stands behind it: with that what is long can be written piece by piece. */
export function base64({ bytes, start, length }: Contents, out: Output, end: Literal = nothing): void {
  if (length <= slice) {
    encode(bytes, start, length, out);
    out.literal(end);
    return;
  }
  let from = 0;
  out.pieces(() => {
    encode(bytes, start + from, Math.min(slice, length - from), out);
    from += slice;
    if (from < length) return true;
    out.literal(end);
    return false;
  });
}

function encode(source: Uint8Array, start: number, length: number, out: Output): void {
  out.ensure(Math.ceil(length / 3) * 4);
  if (length >= nativeFrom) {
    encodeNatively(source, start, length, out);
    return;
  }
  const { bytes, view } = out;
  let at = out.length;
  const end = start + length;
  let from = start;
  for (; from + 2 < end; from += 3) {
    const three =
      ((source[from] as number) << 16) | ((source[from + 1] as number) << 8) | (source[from + 2] as number);
    view.setUint16(at, pairs[three >> 12] as number, true);
    view.setUint16(at + 2, pairs[three & 0xfff] as number, true);
    at += 4;
  }
  if (from < end) {
    const two = from + 1 < end;
    const last = ((source[from] as number) << 16) | (two ? (source[from + 1] as number) << 8 : 0);
    view.setUint16(at, pairs[last >> 12] as number, true);
    bytes[at + 2] = two ? alphabet.charCodeAt((last >> 6) & 63) : padding;
    bytes[at + 3] = padding;
    at += 4;
  }
  out.length = at;
}

function encodeNatively(source: Uint8Array, start: number, length: number, out: Output): void {
  const from = Buffer.from(source.buffer, source.byteOffset + start, length);
  const to = Buffer.from(out.bytes.buffer, out.bytes.byteOffset);
  for (let i = 0; i < length; i += nativePiece) {
    const piece = from.toString("base64", i, Math.min(length, i + nativePiece));
    out.length += to.write(piece, out.length, "latin1");
  }
}
