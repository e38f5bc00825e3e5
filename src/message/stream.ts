/**
 * The bytes of one direction of a channel, in order. A decoder takes them from the front, however they came. What it
 * has not taken is kept, up to a limit; what it skips is never kept.
 */
const nothing = new Uint8Array(0);
const newline = 0x0a;
/** of one stream: no decoder needs to see more of a message at once */
export const mostKept = 256 * 1024;
const smallest = 512;
const nearby = 200;

/** The bytes that all streams may keep together. */
export class Pool {
  #left: number;

  constructor(most: number) {
    this.#left = most;
  }

  /** false when there is no room */
  take(count: number): boolean {
    if (count > this.#left) return false;
    this.#left -= count;
    return true;
  }

  give(count: number): void {
    this.#left += count;
  }
}

export class Stream {
  /** readable are those from `at` to `end` */
  bytes: Uint8Array = nothing;
  at = 0;
  end = 0;
  /** bytes that belong to the message which is being read, and how many of them are missing */
  count = 0;
  missing = 0;
  /** the first bytes of that message, when they are wanted */
  readonly shown: Uint8Array;
  shownLength = 0;
  #own: Uint8Array = nothing;
  #skips = 0;
  /** up to where there is no end of a line */
  #searched = 0;
  /** the length of a frame whose beginning is waited for, 0 for none */
  #frame = 0;
  #isCut = false;
  /** false: there was no room for what had to be kept */
  isWhole = true;

  /** @param mostShown bytes of each message that are kept to be shown */
  constructor(
    private readonly pool: Pool,
    mostShown = 0,
  ) {
    this.shown = mostShown > 0 ? new Uint8Array(mostShown) : nothing;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Whether what is asked to be skipped has not all come yet. */
  get isSkipping(): boolean {
    return this.#skips > 0;
  }

  /** Whether all there will ever be is skipped. */
  get isEndless(): boolean {
    return this.#skips === Number.POSITIVE_INFINITY;
  }

  /** Appends bytes, a view that is good until `settle`. */
  add(bytes: Uint8Array, start: number, length: number): void {
    if (this.left === 0) {
      this.bytes = bytes;
      this.at = start;
      this.end = start + length;
      this.#searched = start;
    } else {
      this.#append(bytes, start, length);
    }
    this.#goOn();
  }

  /**
   * As many bytes moved, but nobody knows which. How many of them are left, for a decoder would have to see them: it
   * may go on with what there is of a frame, and skip the rest, when it is asked before this is called again.
   */
  miss(count: number): number {
    if (this.#skips === 0) {
      this.#isCut = this.#frame > 0;
      return count;
    }
    const passed = Math.min(count, this.#skips);
    this.#skips -= passed;
    this.count += passed;
    this.missing += passed;
    return count - passed;
  }

  /** All that is there, and so many bytes that are missing, is of no use. */
  lose(missing: number): void {
    this.take(this.left);
    this.count += missing;
    this.missing += missing;
    this.#skips = 0;
    this.isWhole = true;
    this.clear();
  }

  /** Keeps what was not taken. */
  settle(): void {
    if (this.left === 0) {
      const frame = this.#frame;
      this.clear();
      this.#frame = frame;
      return;
    }
    if (this.bytes === this.#own) return;
    const { bytes, at, left } = this;
    const searched = this.#searched - at;
    if (!this.#reserve(left)) {
      this.isWhole = false;
      return;
    }
    this.#own.set(bytes.subarray(at, this.end));
    this.bytes = this.#own;
    this.at = 0;
    this.end = left;
    this.#searched = Math.max(0, searched);
  }

  /** Forgets all that was not taken. */
  clear(): void {
    this.pool.give(this.#own.length);
    this.#own = nothing;
    this.bytes = nothing;
    this.at = 0;
    this.end = 0;
    this.#searched = 0;
    this.#frame = 0;
    this.#isCut = false;
  }

  #append(bytes: Uint8Array, start: number, length: number): void {
    const { left } = this;
    if (this.end + length > this.#own.length) {
      const old = this.bytes;
      const from = this.at;
      const own = this.#own;
      if (left + length <= own.length) {
        own.copyWithin(0, from, from + left);
      } else if (this.#reserve(left + length)) {
        this.#own.set(old.subarray(from, from + left));
      } else {
        this.isWhole = false;
        return;
      }
      this.bytes = this.#own;
      this.#searched = Math.max(0, this.#searched - from);
      this.at = 0;
      this.end = left;
    }
    this.#own.set(bytes.subarray(start, start + length), this.end);
    this.end += length;
  }

  #reserve(count: number): boolean {
    if (count <= this.#own.length) return true;
    if (count > mostKept) return false;
    const size = Math.min(mostKept, Math.max(smallest, 2 ** Math.ceil(Math.log2(count))));
    if (!this.pool.take(size - this.#own.length)) return false;
    this.#own = new Uint8Array(size);
    return true;
  }

  /** Passes over the next bytes, those that have not come yet too; infinity: all there will ever be. */
  skip(count: number): void {
    this.#skips += count;
    this.#frame = 0;
    this.#isCut = false;
    this.#goOn();
  }

  /** What is skipped ends here. */
  stopSkipping(): void {
    this.#skips = 0;
  }

  #goOn(): void {
    const passed = Math.min(this.#skips, this.left);
    if (passed === 0) return;
    this.#skips -= passed;
    this.take(passed);
  }

  /** Takes bytes that are there. */
  take(count: number): void {
    const { shown } = this;
    const wanted = Math.min(count, shown.length - this.shownLength);
    if (wanted > 0) {
      shown.set(this.bytes.subarray(this.at, this.at + wanted), this.shownLength);
      this.shownLength += wanted;
    }
    this.count += count;
    this.at += count;
    if (this.#searched < this.at) this.#searched = this.at;
  }

  /** The next message begins here. */
  begin(): void {
    this.count = 0;
    this.missing = 0;
    this.shownLength = 0;
  }

  /** The index behind the next LF, -1 when it has not come yet. */
  line(): number {
    const { bytes, end } = this;
    // most lines are short, and a view costs more than a few steps
    const near = Math.min(end, this.#searched + nearby);
    for (let i = this.#searched; i < near; i++) if (bytes[i] === newline) return i + 1;
    const found = near < end ? bytes.subarray(near, end).indexOf(newline) : -1;
    if (found >= 0) return near + found + 1;
    this.#searched = end;
    return -1;
  }

  /**
   * Of a frame of `length` bytes at the front, how many can be seen: `most`, unless the frame is shorter or some are
   * missing; -1 when they have not come yet.
   */
  frame(length: number, most: number): number {
    const wanted = Math.min(length, most);
    if (this.left >= wanted) return wanted;
    if (this.#isCut) return this.left;
    this.#frame = length;
    return -1;
  }
}
