/** Ranges of a count that wraps at 2^32, and who had each: in one array of words, for there may be 100,000 a second. */
import { whole } from "../../ffi/halves.ts";
import type { ReceiveRecord } from "../layout.ts";

/** receives of a channel that are kept: what was sent is asked for soon, or never */
const most = 32768;
const few = 4;
/** Words of a range: */
const [START, COUNT, TGID, TAG, GUESS, TIME_LOW, TIME_HIGH, SIZE] = [0, 1, 2, 3, 4, 5, 6, 7];

/** A receive, by who is known by these two numbers. */
export interface Receipt {
  tgid: number;
  tag: number;
  /** of the socket */
  inode: number;
  /** another's receive covers the same: one of them it was; or nobody knows in which order several received */
  guess: boolean;
  /** the positions that it covers, counted modulo 2^32 */
  start: number;
  count: number;
}

/** The receives of one socket, by their beginnings: those of another that was in its memory count from elsewhere. */
export class Ranges {
  #words = new Uint32Array(few * SIZE);
  /** the first one's word, and the one behind the last */
  #first = 0;
  #end = 0;

  /** @param inode of the socket, 0: not known */
  constructor(readonly inode: number) {}

  add(record: ReceiveRecord): void {
    if (this.#end === this.#words.length) this.#makeRoom();
    const start = record.position;
    let at = this.#end;
    while (at > this.#first && isBefore(start, this.#word(at - SIZE, START))) at -= SIZE;
    const words = this.#words;
    if (at < this.#end) words.copyWithin(at + SIZE, at, this.#end);
    this.#end += SIZE;
    words[at + START] = start;
    words[at + COUNT] = record.count;
    words[at + TGID] = record.whoTgid;
    words[at + TAG] = record.whoTag;
    words[at + GUESS] = record.unclear;
    words[at + TIME_LOW] = record.timeLow;
    words[at + TIME_HIGH] = record.timeHigh;
    if (at > this.#first) this.#doubt(at - SIZE, at);
    if (at + SIZE < this.#end) this.#doubt(at, at + SIZE);
  }

  /** Fills `receipt` with the one that covers this position; false when none does. */
  find(receipt: Receipt, position: number): boolean {
    let [from, to] = [this.#first / SIZE, this.#end / SIZE];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (isBefore(position, this.#word(middle * SIZE, START))) to = middle;
      else from = middle + 1;
    }
    const at = (from - 1) * SIZE;
    if (at < this.#first || (position - this.#word(at, START)) >>> 0 >= this.#word(at, COUNT)) return false;
    receipt.tgid = this.#word(at, TGID);
    receipt.tag = this.#word(at, TAG);
    receipt.inode = this.inode;
    receipt.guess = this.#word(at, GUESS) !== 0;
    receipt.start = this.#word(at, START);
    receipt.count = this.#word(at, COUNT);
    return true;
  }

  /** Forgets those in front of the first that is younger than `oldest` (CLOCK_BOOTTIME, ns); false when none is left. */
  forget(oldest: number): boolean {
    while (this.#first < this.#end && this.#time(this.#first) <= oldest) this.#first += SIZE;
    return this.#first < this.#end;
  }

  #makeRoom(): void {
    const words = this.#words;
    if (this.#end - this.#first >= most * SIZE) this.#first += (most / 2) * SIZE;
    if (this.#first < words.length / 2) {
      this.#words = new Uint32Array(words.length * 2);
      this.#words.set(words.subarray(this.#first, this.#end));
    } else {
      words.copyWithin(0, this.#first, this.#end);
    }
    this.#end -= this.#first;
    this.#first = 0;
  }

  /** Of two that took the same nobody can tell which did. */
  #doubt(a: number, b: number): void {
    const [from, to] = [this.#word(a, START), this.#word(b, START)];
    const overlap = (to - from) >>> 0 < this.#word(a, COUNT) || (from - to) >>> 0 < this.#word(b, COUNT);
    const isOne = this.#word(a, TGID) === this.#word(b, TGID) && this.#word(a, TAG) === this.#word(b, TAG);
    if (!overlap || isOne) return;
    this.#words[a + GUESS] = 1;
    this.#words[b + GUESS] = 1;
  }

  #time(at: number): number {
    return whole(this.#word(at, TIME_LOW), this.#word(at, TIME_HIGH));
  }

  #word(at: number, which: number): number {
    return this.#words[at + which] as number;
  }
}

/** Positions are compared as they are counted, modulo 2^32. */
export function isBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}
