/** Addresses as they are printed → their 4 or 16 bytes. */

import { latin1 } from "../bytes/latin1.ts";

const kept = 1024;
let parsed = new Map<string, Uint8Array>();

/** The bytes of `127.0.0.1` or `fe80::1`; `0.0.0.0` for what is none. The same array for the same text. */
export function parseAddress(text: Uint8Array): Uint8Array {
  const words = latin1(text);
  const known = parsed.get(words);
  if (known !== undefined) return known;
  const address = words.includes(":") ? parseSix(words) : parseFour(words);
  if (parsed.size >= kept) parsed = new Map();
  parsed.set(words, address);
  return address;
}

function parseFour(text: string): Uint8Array {
  const parts = text.split(".").map(Number);
  const isAddress = parts.length === 4 && parts.every((part) => part >= 0 && part <= 255);
  return isAddress ? Uint8Array.from(parts) : new Uint8Array(4);
}

function parseSix(text: string): Uint8Array {
  const [before = "", after] = text.split("::");
  const groups = (part: string) => part.split(":").filter((group) => group !== "");
  const [head, tail] = [groups(before), groups(after ?? "")];
  const zeros = Math.max(0, 8 - head.length - tail.length);
  const all = [...head, ...new Array<string>(after === undefined ? 0 : zeros).fill("0"), ...tail];
  const bytes = new Uint8Array(16);
  for (let i = 0; i < Math.min(8, all.length); i++) {
    const value = Number.parseInt(all[i] ?? "0", 16) || 0;
    bytes[2 * i] = value >>> 8;
    bytes[2 * i + 1] = value & 0xff;
  }
  return bytes;
}
