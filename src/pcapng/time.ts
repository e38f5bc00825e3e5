import { wordSpan } from "../../ffi/halves.ts";
import type { Time } from "../event.ts";

const two16 = 0x1_0000;
const billion = 1e9;

/** Nanoseconds since the epoch as pcapng has them, in two words: exact, and worked out once a second. */
export class Stamp {
  high = 0;
  low = 0;
  #second = -1;
  #baseHigh = 0;
  #baseLow = 0;

  set({ seconds, nanoseconds }: Time): void {
    if (seconds !== this.#second) this.#turn(seconds);
    const low = this.#baseLow + nanoseconds;
    this.high = low >= wordSpan ? this.#baseHigh + 1 : this.#baseHigh;
    this.low = low >>> 0;
  }

  /** seconds * 10^9, its upper and lower half worked out apart: the whole is beyond 2^53 */
  #turn(seconds: number): void {
    this.#second = seconds;
    const upper = Math.floor(seconds / two16) * billion; // times 2^16
    const lower = (seconds % two16) * billion;
    const low = (upper % two16) * two16 + (lower % wordSpan);
    this.#baseLow = low % wordSpan;
    this.#baseHigh = Math.floor(upper / two16) + Math.floor(lower / wordSpan) + Math.floor(low / wordSpan);
  }
}

/** The time of a stamp in units of 1/`resolution` seconds. */
export function timeOf(high: number, low: number, resolution: number, time: Time): void {
  // long division of the 64 bits, 16 at a time: what is left over stays below 2^53
  let rest = high;
  let seconds = Math.floor(rest / resolution);
  rest = (rest % resolution) * two16 + (low >>> 16);
  seconds = seconds * two16 + Math.floor(rest / resolution);
  rest = (rest % resolution) * two16 + (low & 0xffff);
  seconds = seconds * two16 + Math.floor(rest / resolution);
  time.seconds = seconds;
  time.nanoseconds = Math.floor(((rest % resolution) * billion) / resolution);
}
