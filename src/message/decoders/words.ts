/** Names and numbers within bytes that anybody may have written. */
import type { Detail, Word } from "../message.ts";

/** the longest name, status or value that a line has; what is beyond is cut off, and says so */
const longest = 1024;
const ellipsis = [0xe2, 0x80, 0xa6];
const encoder = new TextEncoder();

/** words no longer than this are looked for among those made last, of which there are as many as slots, a power of two */
const short = 16;
const slots = 256;
const recent = new Array<Uint8Array | undefined>(slots).fill(undefined);

/** A copy, which others have as well: of the words that messages have in common most are alike, and an array is dear. */
function shared(bytes: Uint8Array, start: number, end: number): Uint8Array {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  const slot = (hash ^ (hash >>> 8)) & (slots - 1);
  const known = recent[slot];
  if (known !== undefined && known.length === end - start) {
    let at = 0;
    while (at < known.length && known[at] === bytes[start + at]) at++;
    if (at === known.length) return known;
  }
  const made = bytes.slice(start, end);
  recent[slot] = made;
  return made;
}

/** A copy of the bytes `start` to `end`, not to be changed, which ends with an ellipsis when they were too many. */
export function word(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (end - start <= short && end >= start) return shared(bytes, start, end);
  if (end - start <= longest) return bytes.slice(start, end);
  const cut = new Uint8Array(longest + ellipsis.length);
  cut.set(bytes.subarray(start, start + longest));
  cut.set(ellipsis, longest);
  return cut;
}

/** The same of a text. */
export function text(value: string): Uint8Array {
  return encoder.encode(value.length <= longest ? value : `${value.slice(0, longest)}…`);
}

/** A field of a text or a number. */
export function field(name: string, value: Word | string): Detail {
  return { name, value: typeof value === "string" ? text(value) : value };
}

/** Digits as a number; -1 when they are none, or too many. */
export function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start || end - start > 15) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Statuses that most answers have. */
export const ok = text("ok");

/** Whether the bytes from `at` on are these, in capitals or not; `lower` has small letters only. */
export function isWord(bytes: Uint8Array, at: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const wanted = lower.charCodeAt(i);
    const byte = bytes[at + i] as number;
    if (byte !== wanted && !((byte | 0x20) === wanted && byte >= 0x41 && byte <= 0x5a)) return false;
  }
  return true;
}
