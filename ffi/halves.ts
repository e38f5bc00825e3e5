/** 64-bit numbers in two words of 32 bits, because BigInt is slow. As one number they are exact below 2^53. */

/** 2^32: the worth of a one in the higher word. */
export const wordSpan = 0x1_0000_0000;

/** The number that two words make. */
export function whole(low: number, high: number): number {
  return low + high * wordSpan;
}

/** The higher word of a number; the lower one is `value >>> 0`. */
export function highHalf(value: number): number {
  return Math.floor(value / wordSpan);
}
