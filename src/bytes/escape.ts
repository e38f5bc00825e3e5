/**
 * Names and paths are bytes that any process chooses. Characters that could act on a terminal are written out. So
 * is a backslash: different names never look the same.
 */
import { Output } from "./output.ts";
import { decode, invalid, isHidden } from "./utf8.ts";

const backslash = 0x5c;
const quote = 0x22;
const space = 0x20;
const colon = 0x3a;
const letterX = 0x78;
const hexDigits = new TextEncoder().encode("0123456789abcdef");

/** 1 for bytes that stand for themselves in text and in a JSON string. */
const plain = new Uint8Array(256).fill(1, 0x20, 0x7f);
plain[backslash] = 0;
const plainInJson = plain.slice();
plainInJson[quote] = 0;

/**
 * For text: control, format and invalid bytes as `\x1b`, a backslash as `\\`, other UTF-8 as it is.
 * @param closing a byte that ends such a text when a space or a colon follows; within it that is written out too
 */
export function escapeText(source: Uint8Array, start: number, end: number, out: Output, closing = 0): void {
  out.ensure((end - start) * 4);
  const { bytes } = out;
  let to = out.length;
  let from = start;
  while (from < end) {
    const byte = source[from] as number;
    if (plain[byte] && (byte !== closing || !isParted(source, from + 1, end))) {
      bytes[to++] = byte;
      from++;
      continue;
    }
    const character = decode(source, from, end);
    const next = from + (character & 7);
    const point = character >>> 3;
    if (point === backslash) {
      bytes[to++] = backslash;
      bytes[to++] = backslash;
    } else if (point === invalid || point === closing || isHidden(point)) {
      for (let i = from; i < next; i++) {
        const hidden = source[i] as number;
        bytes[to++] = backslash;
        bytes[to++] = letterX;
        bytes[to++] = hexDigits[hidden >> 4] as number;
        bytes[to++] = hexDigits[hidden & 15] as number;
      }
    } else {
      for (let i = from; i < next; i++) bytes[to++] = source[i] as number;
    }
    from = next;
  }
  out.length = to;
}

function isParted(source: Uint8Array, at: number, end: number): boolean {
  return at < end && (source[at] === space || source[at] === colon);
}

/** The bytes that `escapeText` was given, from the bytes `start` to `end` of what it wrote; null when that is none of its. */
export function unescapeText(text: Uint8Array, start: number, end: number): Uint8Array | null {
  const bytes = new Uint8Array(end - start);
  let to = 0;
  for (let from = start; from < end; from++) {
    let byte = text[from] as number;
    if (byte === backslash) {
      const next = text[++from];
      if (from < end && next === letterX && from + 2 < end) {
        byte = digit(text[from + 1]) * 16 + digit(text[from + 2]);
        from += 2;
        if (!(byte >= 0)) return null;
      } else if (from >= end || next !== backslash) {
        return null;
      }
    }
    bytes[to++] = byte;
  }
  return bytes.subarray(0, to);
}

/** NaN for what is no hexadecimal digit. */
function digit(byte: number | undefined): number {
  const at = byte === undefined ? -1 : hexDigits.indexOf(byte);
  return at < 0 ? Number.NaN : at;
}

/**
 * For the inside of a JSON string: valid whatever the bytes are. Invalid UTF-8 becomes U+FFFD. Control and format
 * characters become `\u001b` (beyond U+FFFF a pair of those). A parser reads the same, and a terminal sees nothing.
 */
export function escapeJson(source: Uint8Array, start: number, end: number, out: Output): void {
  out.ensure((end - start) * 6);
  const { bytes } = out;
  let to = out.length;
  let from = start;
  while (from < end) {
    const byte = source[from] as number;
    if (plainInJson[byte]) {
      bytes[to++] = byte;
      from++;
      continue;
    }
    const character = decode(source, from, end);
    const next = from + (character & 7);
    const point = character >>> 3;
    if (point === backslash || point === quote) {
      bytes[to++] = backslash;
      bytes[to++] = point;
    } else if (point === invalid) {
      bytes[to++] = 0xef;
      bytes[to++] = 0xbf;
      bytes[to++] = 0xbd;
    } else if (!isHidden(point)) {
      for (let i = from; i < next; i++) bytes[to++] = source[i] as number;
    } else if (point > 0xffff) {
      to = codeUnit(bytes, to, 0xd800 + ((point - 0x1_0000) >> 10));
      to = codeUnit(bytes, to, 0xdc00 + (point & 0x3ff));
    } else {
      to = codeUnit(bytes, to, point);
    }
    from = next;
  }
  out.length = to;
}

function codeUnit(bytes: Uint8Array, to: number, unit: number): number {
  bytes[to++] = backslash;
  bytes[to++] = 0x75;
  for (let shift = 12; shift >= 0; shift -= 4) bytes[to++] = hexDigits[(unit >> shift) & 15] as number;
  return to;
}

/** A name for a message, escaped as in text. Not for events: it makes strings. */
export function printable(name: Uint8Array | string): string {
  const bytes = typeof name === "string" ? new TextEncoder().encode(name) : name;
  const out = new Output(bytes.length * 4);
  escapeText(bytes, 0, bytes.length, out);
  return new TextDecoder().decode(out.bytes.subarray(0, out.length));
}

/** A process as people read it: `812(node)`, `<unknown>` for a name that nobody knows. Makes strings, as above. */
export function processText(pid: number, comm: Uint8Array | null): string {
  return `${pid}(${comm === null ? "<unknown>" : printable(comm)})`;
}
