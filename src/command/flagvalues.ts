/** The word behind a flag: a text → a list, a number, a time, a size or one of several words. */

import { printable } from "../bytes/escape.ts";
import { UsageError } from "../failure.ts";
import { nearest } from "./spelling.ts";

const kibi = 1024;
const ringUnits: Record<string, number> = { "": 1, K: kibi, M: kibi ** 2, G: kibi ** 3 };
const smallestRing = 64 * kibi;
const largestRing = kibi ** 3;
const secondsIn: Record<string, number> = { "": 1, us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };
const longestDuration = 365 * 24 * 3600;

/** seconds; what waits takes room in the ring */
const longestWait = 10;

/** `a,b\,c` is "a" and "b,c". */
export function splitList(value: string): string[] {
  return value.split(/(?<!\\),/).map((item) => item.replaceAll("\\,", ","));
}

/** 0 to `most`. @throws UsageError */
export function wholeNumber(flag: string, value: string, most: number): number {
  return numberFrom(0, flag, "a whole number, 0 or more", value, most);
}

/** @param what it is, with its article, for the error. @throws UsageError */
export function numberFrom(least: number, flag: string, what: string, value: string, most: number): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least) {
    throw new UsageError(`${flag} needs ${what}: ${printable(value)}`);
  }
  if (number > most) throw new UsageError(`${flag} can be ${most} at most: ${value}`);
  return number;
}

/** Seconds; 0 for no value. @throws UsageError */
export function duration(flag: string, value: string): number {
  if (value === "") return 0;
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(us|ms|s|m|h|)$/.exec(value) ?? [];
  const seconds = Number(digits) * (secondsIn[unit ?? ""] ?? Number.NaN);
  if (!(seconds > 0))
    throw new UsageError(`${flag} needs a time like 30, 1.5s, 2m or 1h: ${printable(value)}`);
  if (seconds > longestDuration) throw new UsageError(`${flag} can be 8760h at most: ${value}`);
  return seconds;
}

/** Seconds, 0 to 10. @throws UsageError */
export function waitingTime(value: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(value) ?? [];
  const seconds = Number(digits) / (unit === "ms" ? 1000 : 1);
  if (digits === undefined)
    throw new UsageError(`--wait needs a time like 0, 50ms or 2s: ${printable(value)}`);
  if (seconds > longestWait) throw new UsageError(`--wait can be ${longestWait}s at most: ${value}`);
  return seconds;
}

/** Bytes, rounded up to a power of two. @throws UsageError */
export function ringSize(value: string): number {
  const [, digits, unit] = /^(\d+)([KMG]?)$/i.exec(value) ?? [];
  if (digits === undefined || unit === undefined) {
    throw new UsageError(`--ring needs a size like 512K, 16M or 1G: ${printable(value)}`);
  }
  const size = Number(digits) * (ringUnits[unit.toUpperCase()] ?? 1);
  if (size < smallestRing || size > largestRing) {
    throw new UsageError(`--ring must be between 64K and 1G: ${value}`);
  }
  return 2 ** Math.ceil(Math.log2(size));
}

/** @throws UsageError */
export function oneOf<T extends string>(flag: string, value: string, values: readonly T[]): T {
  const found = values.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  const near = nearest(value, values);
  const hint = near === null ? `one of ${values.join(", ")}` : `did you mean ${near}?`;
  throw new UsageError(`${flag} ${printable(value)} is unknown; ${hint}`);
}
