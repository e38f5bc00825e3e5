/** The parts of an event, which lie behind it in the ring: the writers of a pipe's bytes, and contents. */
import type { Contents } from "../event.ts";
import { ChunkRecord, RunsRecord } from "../layout.ts";

const none = -1;
/** as many as most batches have */
const fewChunks = 4096;

/** Chunks one after the other: byte offset into the ring, length, the next one of the same entry. */
class Chunks {
  start = new Int32Array(fewChunks);
  length = new Int32Array(fewChunks);
  next = new Int32Array(fewChunks);
  count = 0;

  /** The number of a new one, behind which none is yet. */
  add(start: number, length: number): number {
    if (this.count === this.start.length) this.#grow();
    const id = this.count++;
    this.start[id] = start;
    this.length[id] = length;
    this.next[id] = none;
    return id;
  }

  #grow(): void {
    const capacity = 2 * this.count;
    this.start = copied(new Int32Array(capacity), this.start);
    this.length = copied(new Int32Array(capacity), this.length);
    this.next = copied(new Int32Array(capacity), this.next);
  }
}

export class Parts {
  /** parts that were too short, or did not join */
  rejected = 0;
  readonly #bytes: Uint8Array;
  readonly #runs: RunsRecord;
  readonly #chunk: ChunkRecord;

  // entry by entry
  #writers = new Uint32Array(0);
  #runsAt = new Int32Array(0);
  #expected = new Uint32Array(0);
  #captured = new Uint32Array(0);
  #firstChunk = new Int32Array(0);
  #lastChunk = new Int32Array(0);
  /** up to here in the ring all parts of an entry are reserved */
  #due = new Float64Array(0);
  /** chunks of all entries, and room for those that stay */
  #chunks = new Chunks();
  #spare = new Chunks();
  /** threads whose latest event is not whole yet, and that event's entry */
  #open = new Map<number, number>();

  readonly #contents: Contents = { bytes: new Uint8Array(0), start: 0, length: 0 };
  #joined = new Uint8Array(1 << 16);

  /** @param words the ring's data, which `bytes` are too */
  constructor(words: Uint32Array, bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#runs = new RunsRecord(words);
    this.#chunk = new ChunkRecord(words);
  }

  /** Makes room for so many entries. */
  grow(capacity: number): void {
    this.#writers = copied(new Uint32Array(capacity), this.#writers);
    this.#runsAt = copied(new Int32Array(capacity), this.#runsAt);
    this.#expected = copied(new Uint32Array(capacity), this.#expected);
    this.#captured = copied(new Uint32Array(capacity), this.#captured);
    this.#firstChunk = copied(new Int32Array(capacity), this.#firstChunk);
    this.#lastChunk = copied(new Int32Array(capacity), this.#lastChunk);
    this.#due = copied(new Float64Array(capacity), this.#due);
  }

  /** Entry `i` begins: a read of so many writers' bytes, of which that many are to come as chunks. */
  begin(i: number, thread: number, writers: number, expected: number): void {
    this.#writers[i] = writers;
    this.#runsAt[i] = none;
    this.#expected[i] = expected;
    this.#captured[i] = 0;
    this.#firstChunk[i] = none;
    if (this.isWhole(i)) return;
    this.#due[i] = Number.POSITIVE_INFINITY;
    const before = this.#open.get(thread);
    if (before !== undefined) this.#giveUp(thread, before); // its parts come before this, or not at all
    this.#open.set(thread, i);
  }

  /** Whether all parts of entry `i` are there. */
  isWhole(i: number): boolean {
    return (this.#writers[i]! <= 1 || this.#runsAt[i] !== none) && this.#captured[i] === this.#expected[i];
  }

  /** The first entry whose parts may still come; Infinity when there is none. */
  firstOpen(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const i of this.#open.values()) first = Math.min(first, i);
    return first;
  }

  /**
   * Parts are reserved before their event is submitted. The ring is read up to its end of the time when the event
   * was seen. Parts that have not come by then never will.
   * @param cursor up to where it is read
   * @param produced up to where it is written
   */
  expire(cursor: number, produced: number): void {
    for (const [thread, i] of this.#open) {
      if (cursor >= this.#due[i]!) this.#giveUp(thread, i);
      else this.#due[i] = Math.min(this.#due[i]!, produced);
    }
  }

  #giveUp(thread: number, i: number): void {
    this.rejected++;
    this.#open.delete(thread);
    this.#expected[i] = this.#captured[i]!;
  }

  /** Takes in the runs_record at this word. */
  addRuns(at: number, length: number): void {
    const runs = this.#runs;
    runs.at = at;
    const i = this.#open.get(runs.thread);
    if (i === undefined) return;
    if (length < RunsRecord.run.offset + this.#writers[i]! * RunsRecord.run.size) {
      this.#giveUp(runs.thread, i);
      return;
    }
    this.#runsAt[i] = at;
    if (this.isWhole(i)) this.#open.delete(runs.thread);
  }

  /** Takes in the chunk_record at this word; contents end where one does not join. */
  addChunk(at: number, length: number): void {
    const chunk = this.#chunk;
    chunk.at = at;
    const i = this.#open.get(chunk.thread);
    if (i === undefined) return;
    if (chunk.length > length - ChunkRecord.data.offset || chunk.offset !== this.#captured[i]) {
      this.#giveUp(chunk.thread, i);
      return;
    }
    this.#link(i, at * 4 + ChunkRecord.data.offset, chunk.length);
    this.#captured[i]! += chunk.length;
    if (this.isWhole(i)) this.#open.delete(chunk.thread);
  }

  #link(i: number, start: number, length: number): void {
    const chunks = this.#chunks;
    const id = chunks.add(start, length);
    if (this.#firstChunk[i] === none) this.#firstChunk[i] = id;
    else chunks.next[this.#lastChunk[i]!] = id;
    this.#lastChunk[i] = id;
  }

  /** Index of the first word of an entry's runs_record, -1 when it has none. */
  runsAt(i: number): number {
    return this.#runsAt[i]!;
  }

  /** Whether it never got to be known whose bytes an entry's are. */
  lacksRuns(i: number): boolean {
    return this.#writers[i]! > 1 && this.#runsAt[i] === none;
  }

  /** Contents in one piece: where they lie when there is one chunk, copied together otherwise. */
  contents(i: number): Contents {
    const contents = this.#contents;
    const { start, length, next } = this.#chunks;
    const first = this.#firstChunk[i]!;
    contents.length = this.#captured[i]!;
    if (first === none || next[first] === none) {
      contents.bytes = this.#bytes;
      contents.start = first === none ? 0 : start[first]!;
      return contents;
    }
    if (this.#joined.length < contents.length) this.#joined = new Uint8Array(contents.length * 2);
    let joined = 0;
    for (let id = first; id !== none; id = next[id]!) {
      this.#joined.set(this.#bytes.subarray(start[id]!, start[id]! + length[id]!), joined);
      joined += length[id]!;
    }
    contents.bytes = this.#joined;
    contents.start = 0;
    return contents;
  }

  /** Only the entries of `kept`, in ascending order, stay. They get the numbers 0, 1, 2 and so on. */
  keep(kept: readonly number[]): void {
    const before = this.#chunks;
    const { start, length, next } = before;
    this.#chunks = this.#spare;
    this.#spare = before;
    this.#chunks.count = 0;
    for (const [to, from] of kept.entries()) {
      this.#writers[to] = this.#writers[from]!;
      this.#runsAt[to] = this.#runsAt[from]!;
      this.#expected[to] = this.#expected[from]!;
      this.#captured[to] = this.#captured[from]!;
      this.#due[to] = this.#due[from]!;
      let id = this.#firstChunk[from]!;
      this.#firstChunk[to] = none;
      for (; id !== none; id = next[id]!) this.#link(to, start[id]!, length[id]!);
    }
    if (this.#open.size === 0) return;
    const numbers = new Map(kept.map((from, to) => [from, to]));
    this.#open = new Map([...this.#open].map(([thread, i]) => [thread, numbers.get(i)!]));
  }
}

/** The old array, in one that has more room. */
export function copied<T extends { set(old: T): void }>(larger: T, old: T): T {
  larger.set(old);
  return larger;
}
