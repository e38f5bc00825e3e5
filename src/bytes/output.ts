/**
 * Where formats write: bytes, not strings. A line costs about a tenth of string concatenation this way (measured).
 * Nothing here allocates once the buffer has its size.
 */
import { wordSpan } from "../../ffi/halves.ts";

const encoder = new TextEncoder();
const initialCapacity = 256 * 1024;
/** A buffer that one giant event made larger than this is let go when it is empty again. */
const keptCapacity = 4 * 1024 * 1024;
/** Literals and digits are stored in whole words, which may touch this many bytes beyond the end. */
const slack = 8;

/** A constant text, made once: its bytes as little-endian words, the last one padded. */
export interface Literal {
  readonly words: Int32Array;
  readonly length: number;
}

export function literal(text: string): Literal {
  return literalOf(encoder.encode(text));
}

/** The same of bytes, which are copied. */
export function literalOf(bytes: Uint8Array): Literal {
  const words = new Int32Array(Math.ceil(bytes.length / 4));
  new Uint8Array(words.buffer).set(bytes);
  return { words, length: bytes.length };
}

/**
 * "00" to "99", each as half a little-endian word. A table of all from "0000" to "9999" is too large: it is out of
 * the cache when the next line is made.
 */
const twoDigits = Uint16Array.from(
  { length: 100 },
  (_, n) => (0x30 + ((n / 10) | 0)) | ((0x30 + (n % 10)) << 8),
);

/** A number below 10,000 as the word of its four digits. */
function fourDigits(value: number): number {
  const high = (value * 5243) >>> 19; // value / 100
  return (twoDigits[high] as number) | ((twoDigits[value - high * 100] as number) << 16);
}

export class Output {
  /** The bytes before `length` are written; those behind it belong to the caller of `ensure`. */
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView;
  length = 0;
  /** what is long is written piece by piece: the one that empties this asks for `more` then */
  isPiecewise = false;
  /** the room there is; none while something is to come, and whatever is written is to stand behind that */
  #room: number;
  #rest: (() => boolean) | null = null;

  constructor(capacity = initialCapacity) {
    this.bytes = new Uint8Array(capacity + slack);
    this.view = new DataView(this.bytes.buffer);
    this.#room = this.bytes.length;
  }

  /** Makes room for `count` more bytes; `bytes` and `view` may be others afterwards. */
  ensure(count: number): void {
    if (this.length + count + slack > this.#room) this.#makeRoom(count);
  }

  #makeRoom(count: number): void {
    while (this.more());
    const needed = this.length + count + slack;
    if (needed > this.bytes.length) this.#replace(Math.max(needed, this.length * 2));
  }

  #replace(capacity: number): void {
    const old = this.bytes;
    this.bytes = new Uint8Array(capacity);
    this.bytes.set(old.subarray(0, this.length));
    this.view = new DataView(this.bytes.buffer);
    this.#room = capacity;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > keptCapacity && this.#rest === null) this.#replace(initialCapacity + slack);
  }

  /** Writes something long: `piece` writes some of it, and answers whether there is more. */
  pieces(piece: () => boolean): void {
    this.ensure(0);
    while (piece()) {
      if (!this.isPiecewise) continue;
      this.#rest = piece;
      this.#room = 0;
      return;
    }
  }

  /** Whether something is to come that is too long for one piece. */
  get isPartial(): boolean {
    return this.#rest !== null;
  }

  /** Writes the next piece of it; false when there is none. */
  more(): boolean {
    const piece = this.#rest;
    if (piece === null) return false;
    this.#rest = null;
    this.#room = this.bytes.length;
    if (piece()) {
      this.#rest = piece;
      this.#room = 0;
    }
    return true;
  }

  byte(value: number): void {
    this.ensure(1);
    this.bytes[this.length++] = value;
  }

  literal(text: Literal): void {
    this.ensure(text.length);
    const { view } = this;
    const { words } = text;
    let at = this.length;
    for (let i = 0; i < words.length; i++, at += 4) view.setInt32(at, words[i] as number, true);
    this.length += text.length;
  }

  /** A text that is written once in a while: help, headers. */
  string(text: string): void {
    this.ensure(text.length * 3);
    this.length += encoder.encodeInto(text, this.bytes.subarray(this.length)).written;
  }

  /** The bytes `start` to `end` (exclusive) of `source`, as they are; meant for short ones. */
  copy(source: Uint8Array, start: number, end: number): void {
    this.ensure(end - start);
    const { bytes } = this;
    let at = this.length;
    for (let i = start; i < end; i++) bytes[at++] = source[i] as number;
    this.length = at;
  }

  /** A number of 0 to 2^32-1 in decimal. */
  unsigned(value: number): void {
    this.ensure(12);
    if (value < 10_000) {
      this.#leading(value);
    } else if (value < 100_000_000) {
      const high = (value / 10_000) | 0;
      this.#leading(high);
      this.#four(value - high * 10_000);
    } else {
      const high = (value / 100_000_000) | 0;
      const low = value - high * 100_000_000;
      const middle = (low / 10_000) | 0;
      this.#leading(high);
      this.#four(middle);
      this.#four(low - middle * 10_000);
    }
  }

  /** A number of -2^31 to 2^32-1 in decimal. */
  signed(value: number): void {
    if (value < 0) this.byte(0x2d);
    this.unsigned(Math.abs(value));
  }

  /**
   * high * 2^32 + low, both halves 0 to 2^32-1, in exact decimal. Long division by 10^9 in steps of 16 bits. Every
   * intermediate value stays below 2^53, so plain numbers are exact.
   */
  unsigned64(low: number, high: number): void {
    if (high === 0) {
      this.unsigned(low);
      return;
    }
    const quotientHigh = Math.floor(high / 1e9);
    let rest = (high - quotientHigh * 1e9) * 0x1_0000 + (low >>> 16);
    const quotientMiddle = Math.floor(rest / 1e9);
    rest = (rest - quotientMiddle * 1e9) * 0x1_0000 + (low & 0xffff);
    const quotientLow = Math.floor(rest / 1e9);
    rest -= quotientLow * 1e9;
    const quotient = quotientHigh * wordSpan + quotientMiddle * 0x1_0000 + quotientLow;
    if (quotient < 1e9) {
      this.unsigned(quotient);
    } else {
      const top = Math.floor(quotient / 1e9);
      this.unsigned(top);
      this.nine(quotient - top * 1e9);
    }
    this.nine(rest);
  }

  /** A number of 0 to 999,999,999 in exactly nine digits. */
  nine(value: number): void {
    this.ensure(12);
    const first = (value / 100_000_000) | 0;
    const rest = value - first * 100_000_000;
    const middle = (rest / 10_000) | 0;
    this.bytes[this.length++] = 0x30 + first;
    this.#four(middle);
    this.#four(rest - middle * 10_000);
  }

  /** A number below 10,000 without leading zeros. */
  #leading(value: number): void {
    const zeros = value < 10 ? 3 : value < 100 ? 2 : value < 1000 ? 1 : 0;
    this.view.setInt32(this.length, fourDigits(value) >>> (zeros * 8), true);
    this.length += 4 - zeros;
  }

  #four(value: number): void {
    this.view.setInt32(this.length, fourDigits(value), true);
    this.length += 4;
  }
}
