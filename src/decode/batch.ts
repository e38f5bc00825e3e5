/**
 * Records of the ring → entries, and these, whole and in the order of their time, → events.
 *
 *   ring  = { fact | event | part }
 *   fact  = NAME | PATH | USE | ADDRESS | UDP_DELIVERY | FORK, each taken in once, when it is met
 *   event = EVENT, of a kind that is traced, and as many parts as it says
 *   part  = RUNS: whose bytes a pipe's read took, if they are several writers'
 *         | CHUNK: contents, each from where the one before it ended
 *
 * Parts are those of the latest event of their thread; what other CPUs reserved meanwhile lies in between.
 * What is too short, or of no known type or kind, is rejected. An entry that is not whole yet stays in the ring for
 * the next drain, with all behind it; what is held back for another reason waits on a shelf, and comes first then.
 * Views into both stay good until the batch is released.
 */
import type { Ring } from "../../ffi/ring.ts";
import type { Contents, Event } from "../event.ts";
import type { Entry, KindModule, Reader, Tools } from "../kinds/kind.ts";
import { ChunkRecord, EventRecord, RecordType, RunsRecord } from "../layout.ts";
import { Order, timeWord } from "./order.ts";
import { copied, Parts } from "./parts.ts";
import { Shelf } from "./shelf.ts";

/** events that a drain takes in at most */
const most = 8192;
const none = -1;

/** Takes in what is no event: names, paths and the like. */
export interface Listener {
  /** Whether the record at this word and position of the ring is one of its own and long enough. */
  take(type: number, at: number, length: number, position: number): boolean;
}

export class Batch {
  readonly #ring: Ring;
  readonly #facts: Listener;
  readonly #event: EventRecord;
  readonly #parts: Parts;
  readonly #order = new Order();
  readonly #shelf = new Shelf();
  /** by enum kind */
  readonly #kinds: (KindModule | undefined)[] = [];
  readonly #readers: (Reader | undefined)[] = [];
  /** of kinds whose bytes may be several writers', how many those of a record are */
  readonly #writers: (((at: number) => number) | undefined)[] = [];
  /** those of kinds that wait, for what is on the shelf */
  readonly #waiters: (Reader | undefined)[] = [];
  #rejected = 0;

  #count = 0;
  /** so many of them, the first ones, are on the shelf */
  #shelved = 0;
  #capacity = 0;
  // entry by entry: index of the first word, position in the ring, time, kind, whether it stays for the next drain
  #at = new Int32Array(0);
  #position = new Float64Array(0);
  #low = new Uint32Array(0);
  #high = new Uint32Array(0);
  #kind = new Uint8Array(0);
  #held = new Uint8Array(0);

  readonly #entry: Entry = { at: 0, position: 0, runsAt: none, contents: null };
  /** where `read` goes on: how many of the order it is done with, how many events of the next one */
  #next = 0;
  #done = 0;
  #isOrdered = false;
  #made = 0;
  #isPaused = false;
  #emit: () => boolean = () => true;

  constructor(
    ring: Ring,
    kinds: readonly KindModule[],
    tools: Omit<Tools, "words">,
    facts: Listener,
    private readonly withContents: boolean,
  ) {
    this.#ring = ring;
    this.#facts = facts;
    this.#event = new EventRecord(ring.words);
    this.#parts = new Parts(ring.words, ring.bytes);
    for (const kind of kinds) {
      this.#kinds[kind.id] = kind;
      const reader = kind.reader({ ...tools, words: ring.words });
      this.#readers[kind.id] = reader;
      this.#writers[kind.id] = reader.writers?.bind(reader);
      if (reader.isReady !== undefined)
        this.#waiters[kind.id] = kind.reader({ ...tools, words: this.#shelf.words });
    }
  }

  /** records that were too short, of no known type or did not join */
  get rejected(): number {
    return this.#rejected + this.#parts.rejected;
  }

  /** How many entries there are, those that stayed included. */
  get count(): number {
    return this.#count;
  }

  /** Whether so many wait that none is to wait any longer. */
  get isFull(): boolean {
    return this.#shelf.isFull;
  }

  /** Index of the first word of entry `i`, as its reader takes it. */
  at(i: number): number {
    return this.#at[i]!;
  }

  /** Where entry `i` is in the ring; they are in this order. */
  position(i: number): number {
    return this.#position[i]!;
  }

  /** Who reads entry `i`. */
  reader(i: number): Reader {
    return (i < this.#shelved ? this.#waiters : this.#readers)[this.#kind[i]!]!;
  }

  /** CLOCK_BOOTTIME of entry `i`, in seconds. */
  time(i: number): number {
    return this.#high[i]! * 4.294967296 + this.#low[i]! / 1e9;
  }

  /** Messages whose senders readers have forgotten. */
  get forgotten(): number {
    return this.#readers.reduce((sum, reader) => sum + (reader?.forgotten ?? 0), 0);
  }

  /** What readers know to be unread, a line for each. */
  unread(): string[] {
    return this.#readers.flatMap((reader) => reader?.unread?.() ?? []);
  }

  /** Takes in what the ring has, up to a limit; how many events that are. What is not whole is held back with all behind it. */
  fill(): number {
    const ring = this.#ring;
    const before = this.#count;
    while (this.#count - before < most && ring.next()) this.#take();
    this.#parts.expire(ring.cursor, ring.produced);
    this.#held.fill(0, 0, this.#count);
    this.holdFrom(this.#shelved + this.#parts.firstOpen());
    this.#isOrdered = false;
    return this.#count - before;
  }

  #take(): void {
    const { at, length, words } = this.#ring;
    const type = length >= 4 ? words[at]! : 0;
    if (type === RecordType.RECORD_EVENT && length >= EventRecord.size) {
      this.#event.at = at;
      const kind = this.#kinds[this.#event.kind];
      if (kind === undefined || length < kind.size) this.#rejected++;
      else this.#begin(at);
    } else if (type === RecordType.RECORD_RUNS && length >= RunsRecord.run.offset) {
      this.#parts.addRuns(at, length);
    } else if (type === RecordType.RECORD_CHUNK && length >= ChunkRecord.data.offset) {
      this.#parts.addChunk(at, length);
    } else if (!this.#facts.take(type, at, length, this.#ring.position)) {
      this.#rejected++;
    }
  }

  #begin(at: number): void {
    if (this.#count === this.#capacity) this.#grow();
    const i = this.#count++;
    const event = this.#event;
    this.#at[i] = at;
    this.#position[i] = this.#ring.position;
    this.#low[i] = this.#ring.words[at + timeWord]!;
    this.#high[i] = this.#ring.words[at + timeWord + 1]!;
    this.#kind[i] = event.kind;
    const writers = this.#writers[event.kind]?.(at) ?? 1;
    this.#parts.begin(i - this.#shelved, event.thread, writers, event.captured);
  }

  #grow(): void {
    const capacity = Math.max(most, this.#capacity * 2);
    this.#at = copied(new Int32Array(capacity), this.#at);
    this.#position = copied(new Float64Array(capacity), this.#position);
    this.#low = copied(new Uint32Array(capacity), this.#low);
    this.#high = copied(new Uint32Array(capacity), this.#high);
    this.#kind = copied(new Uint8Array(capacity), this.#kind);
    this.#held = copied(new Uint8Array(capacity), this.#held);
    this.#parts.grow(capacity);
    this.#capacity = capacity;
  }

  /** Entry `i` stays for the next drain. To be called between `fill` and `read`. */
  hold(i: number): void {
    this.#held[i] = 1;
  }

  /** And so do all from `i` on. */
  holdFrom(i: number): void {
    this.#held.fill(1, Math.min(i, this.#count), this.#count);
  }

  /** Whether entry `i` stays. */
  isHeld(i: number): boolean {
    return this.#held[i] === 1;
  }

  /**
   * Makes the events in `event`, one after the other; `emit` is called for each, after `stamp` was given
   * its boot time, and stops it by answering false. True when all were made; else it goes on behind that
   * event when it is called again.
   */
  read(event: Event, stamp: (low: number, high: number) => void, emit: () => boolean): boolean {
    if (!this.#isOrdered) this.#sort();
    this.#emit = emit;
    for (; this.#next < this.#order.length; this.#next++) {
      const i = this.#order.at(this.#next);
      const part = i - this.#shelved;
      if (part >= 0 && this.#parts.lacksRuns(part)) continue; // whose bytes they are was lost
      const kind = this.#kind[i]!;
      stamp(this.#low[i]!, this.#high[i]!);
      event.kind = this.#kinds[kind]!.name;
      this.#entry.at = this.#at[i]!;
      this.#entry.position = this.#position[i]!;
      this.#entry.runsAt = part < 0 ? none : this.#parts.runsAt(part);
      this.#entry.contents = this.withContents ? this.#contents(i) : null;
      this.#made = 0;
      this.#isPaused = false;
      (part < 0 ? this.#waiters : this.#readers)[kind]!.read(this.#entry, event, this.#emitted);
      if (this.#isPaused) {
        this.#done = this.#made;
        return false;
      }
      this.#done = 0;
    }
    return true;
  }

  #contents(i: number): Contents {
    return i < this.#shelved ? this.#shelf.contents(i) : this.#parts.contents(i - this.#shelved);
  }

  /** A record that was stopped at is read once more: what it made before is passed over. */
  readonly #emitted = (): boolean => {
    if (this.#made++ < this.#done) return true;
    this.#isPaused = !this.#emit();
    return !this.#isPaused;
  };

  #sort(): void {
    this.#isOrdered = true;
    this.#next = 0;
    this.#done = 0;
    this.#order.clear();
    for (let i = 0; i < this.#count; i++) {
      if (this.#held[i] === 0) this.#order.add(i, this.#low, this.#high);
    }
  }

  /** Forgets what was read and gives its room in the ring back; views into it are dead now. */
  release(): void {
    const kept: number[] = [];
    for (let i = 0; i < this.#count; i++) {
      if (this.#held[i] === 1) kept.push(i);
    }
    const before = this.#shelved;
    const shelved = kept.findIndex((i) => i >= before);
    const stay = shelved < 0 ? kept.length : shelved;
    this.#shelf.keep(stay === kept.length ? kept : kept.slice(0, stay));
    let moved = stay;
    while (moved < kept.length && this.#shelve(kept[moved]!)) moved++;
    this.#parts.keep(kept.slice(moved).map((i) => i - before));
    for (const [to, from] of kept.entries()) {
      this.#at[to] = to < moved ? this.#shelf.at(to) : this.#at[from]!;
      this.#position[to] = this.#position[from]!;
      this.#low[to] = this.#low[from]!;
      this.#high[to] = this.#high[from]!;
      this.#kind[to] = this.#kind[from]!;
      this.#held[to] = 1;
    }
    this.#shelved = moved;
    this.#count = kept.length;
    this.#ring.release(moved < kept.length ? this.#position[moved]! : this.#ring.cursor);
  }

  /** Copies an entry of the ring to the shelf; false: it is to stay there, as does all behind it. */
  #shelve(i: number): boolean {
    const kind = this.#kind[i]!;
    const part = i - this.#shelved;
    if (this.#waiters[kind] === undefined || !this.#parts.isWhole(part)) return false;
    const contents = this.withContents ? this.#parts.contents(part) : null;
    return this.#shelf.put(this.#ring.words, this.#at[i]!, this.#kinds[kind]!.size >>> 2, contents);
  }

  /** Up to here in the ring all was read, once the batch is released. */
  get settled(): number {
    return this.#count === 0 ? this.#ring.cursor : this.#position[0]!;
  }
}
