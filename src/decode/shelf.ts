/**
 * Records that wait for what may still come, out of the ring: one that waited there would keep the room of all that
 * came after it. A fixed size, so that no flood of waiting events takes more.
 */
import type { Contents } from "../event.ts";

/** bytes of records and contents: some 250,000 events without contents */
const size = 32 * 1024 * 1024;

export class Shelf {
  readonly words: Uint32Array;
  readonly #bytes: Uint8Array;
  /** up to this word it is in use */
  #end = 0;
  #count = 0;
  // record by record, in the order they came: its first word; words of it and its contents; where those are, and bytes
  #at: number[] = [];
  #length: number[] = [];
  #contentsAt: number[] = [];
  #contentsLength: number[] = [];
  readonly #contents: Contents;

  /** @param bytes its size */
  constructor(bytes = size) {
    this.words = new Uint32Array(bytes >>> 2);
    this.#bytes = new Uint8Array(this.words.buffer);
    this.#contents = { bytes: this.#bytes, start: 0, length: 0 };
  }

  get count(): number {
    return this.#count;
  }

  /** Whether it is time to wait no longer: half of it is in use. */
  get isFull(): boolean {
    return this.#end > this.words.length / 2;
  }

  /** Puts a copy of a record here; false when there is no room. @param length of the record, in words */
  put(words: Uint32Array, at: number, length: number, contents: Contents | null): boolean {
    const bytes = contents?.length ?? 0;
    const whole = length + ((bytes + 3) >>> 2);
    if (this.#end + whole > this.words.length) return false;
    this.words.set(words.subarray(at, at + length), this.#end);
    const start = (this.#end + length) * 4;
    if (contents !== null) {
      this.#bytes.set(contents.bytes.subarray(contents.start, contents.start + bytes), start);
    }
    const i = this.#count++;
    this.#at[i] = this.#end;
    this.#length[i] = whole;
    this.#contentsAt[i] = start;
    this.#contentsLength[i] = bytes;
    this.#end += whole;
    return true;
  }

  /** Index of the first word of record `i`. */
  at(i: number): number {
    return this.#at[i]!;
  }

  contents(i: number): Contents {
    this.#contents.start = this.#contentsAt[i]!;
    this.#contents.length = this.#contentsLength[i]!;
    return this.#contents;
  }

  /** Only these records stay, and move together: the first of them is record 0. @param kept in ascending order */
  keep(kept: readonly number[]): void {
    if (kept.length === this.#count) return;
    let end = 0;
    for (const [to, from] of kept.entries()) {
      const at = this.#at[from]!;
      const length = this.#length[from]!;
      this.words.copyWithin(end, at, at + length);
      this.#contentsAt[to] = this.#contentsAt[from]! - (at - end) * 4;
      this.#contentsLength[to] = this.#contentsLength[from]!;
      this.#at[to] = end;
      this.#length[to] = length;
      end += length;
    }
    this.#count = kept.length;
    this.#end = end;
  }
}
