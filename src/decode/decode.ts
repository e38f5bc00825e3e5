/**
 * Records of the ring → entries in the order of their time. A batch ends before the first event
 * that is not whole yet; views into the ring stay good until the batch is released.
 */
import type { Ring } from "../../ffi/ring.ts";
import type { Contents, Event } from "../event.ts";
import type { Entry, KindModule, Reader } from "../kinds/kind.ts";
import {
  AddressRecord,
  ChunkRecord,
  EventRecord,
  ForkRecord,
  Kind,
  NameRecord,
  PathRecord,
  PipeRecord,
  RecordType,
  RunsRecord,
  UdpDeliveryRecord,
  UseRecord,
} from "../layout.ts";
import type { Names } from "../name/names.ts";
import type { Owners } from "../name/owners.ts";
import type { Paths } from "../name/paths.ts";

/** entries of a batch, unless one needs parts from farther behind */
const usualCapacity = 8192;
/** records of all kinds have their time at the same place */
const timeWord = 2;
const none = -1;
/** seconds that an event waits for its receiver to be seen */
const longestWait = 0.05;

export class Decoder {
  /** records that were too short or of no known type */
  rejected = 0;
  readonly #ring: Ring;
  readonly #names: Names;
  readonly #paths: Paths;
  readonly #name: NameRecord;
  readonly #path: PathRecord;
  readonly #event: EventRecord;
  readonly #pipe: PipeRecord;
  readonly #use: UseRecord;
  readonly #address: AddressRecord;
  readonly #delivery: UdpDeliveryRecord;
  readonly #owners: Owners;
  readonly #fork: ForkRecord;
  /** told of every process that is made, where that is traced */
  onFork: ((parent: number, child: number) => void) | null = null;
  readonly #runs: RunsRecord;
  readonly #chunk: ChunkRecord;
  /** by enum kind */
  readonly #kinds: (KindModule | undefined)[] = [];
  readonly #readers: (Reader | undefined)[] = [];

  // entry by entry
  #count = 0;
  #capacity = usualCapacity;
  #at = new Int32Array(usualCapacity);
  #runsAt = new Int32Array(usualCapacity);
  #position = new Float64Array(usualCapacity);
  #expected = new Uint32Array(usualCapacity);
  #captured = new Uint32Array(usualCapacity);
  #firstChunk = new Int32Array(usualCapacity);
  #lastChunk = new Int32Array(usualCapacity);
  #order = new Uint32Array(usualCapacity);
  /** chunks of all entries: byte offset into the ring, length, the next one of the same entry */
  readonly #chunks = { start: [] as number[], length: [] as number[], next: [] as number[] };
  /** threads whose latest event is not whole yet */
  readonly #open = new Map<number, number>();

  readonly #entry: Entry = { at: 0, runsAt: none, contents: null };
  readonly #contents: Contents = { bytes: new Uint8Array(0), start: 0, length: 0 };
  #joined = new Uint8Array(1 << 16);
  /** up to here udp_delivery_records were taken in */
  #deliveriesUpTo = -1;
  /** up to here all was asked for once */
  #asked = -1;
  /** what /proc said then is what counts now: all that was in the ring by the time is known */
  #lookedUp = false;

  constructor(
    ring: Ring,
    names: Names,
    paths: Paths,
    owners: Owners,
    kinds: readonly KindModule[],
    private readonly withContents: boolean,
    /** -B: contents an event at most, 0 is all */
    maxBytes = 0,
  ) {
    this.#ring = ring;
    this.#names = names;
    this.#paths = paths;
    this.#name = new NameRecord(ring.words);
    this.#path = new PathRecord(ring.words);
    this.#event = new EventRecord(ring.words);
    this.#pipe = new PipeRecord(ring.words);
    this.#use = new UseRecord(ring.words);
    this.#address = new AddressRecord(ring.words);
    this.#delivery = new UdpDeliveryRecord(ring.words);
    this.#owners = owners;
    this.#fork = new ForkRecord(ring.words);
    this.#runs = new RunsRecord(ring.words);
    this.#chunk = new ChunkRecord(ring.words);
    for (const kind of kinds) {
      this.#kinds[kind.id] = kind;
      this.#readers[kind.id] = kind.reader({ words: ring.words, names, paths, owners, maxBytes });
    }
  }

  /**
   * Takes in what the ring has, up to a limit; how many events' records that is. A batch ends before
   * an event whose ends may yet become known, until it is too old to wait for.
   * @param now CLOCK_BOOTTIME in seconds; Infinity: wait for nothing
   */
  fill(now = Number.POSITIVE_INFINITY): number {
    const ring = this.#ring;
    this.#count = 0;
    if (!this.#lookedUp || now === Number.POSITIVE_INFINITY) this.#owners.refresh();
    this.#open.clear();
    this.#chunks.start.length = 0;
    this.#chunks.length.length = 0;
    this.#chunks.next.length = 0;
    while (this.#hasRoom() && ring.next()) this.#take();
    if (this.#open.size > 0) this.#cutBefore(Math.min(...this.#open.values()));
    this.#cutBeforeUnready(now);
    this.#sort();
    return this.#count;
  }

  /** A full batch ends, but not before its first event is whole: it would be cut to nothing, again and again. */
  #hasRoom(): boolean {
    if (this.#count < this.#capacity) return true;
    if (!this.#open.values().some((i) => i === 0)) return false;
    this.#grow();
    return true;
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    this.#capacity = capacity;
    this.#at = copied(new Int32Array(capacity), this.#at);
    this.#runsAt = copied(new Int32Array(capacity), this.#runsAt);
    this.#position = copied(new Float64Array(capacity), this.#position);
    this.#expected = copied(new Uint32Array(capacity), this.#expected);
    this.#captured = copied(new Uint32Array(capacity), this.#captured);
    this.#firstChunk = copied(new Int32Array(capacity), this.#firstChunk);
    this.#lastChunk = copied(new Int32Array(capacity), this.#lastChunk);
    this.#order = copied(new Uint32Array(capacity), this.#order);
  }

  #take(): void {
    const { at, length, words, bytes } = this.#ring;
    const type = length >= 4 ? words[at]! : 0;
    if (type === RecordType.RECORD_EVENT && length >= EventRecord.size) {
      this.#event.at = at;
      const kind = this.#kinds[this.#event.kind];
      if (kind === undefined || length < kind.size) this.rejected++;
      else this.#begin(at);
    } else if (type === RecordType.RECORD_NAME && length >= NameRecord.size) {
      this.#name.at = at;
      this.#names.add(this.#name, bytes);
    } else if (type === RecordType.RECORD_PATH && length >= PathRecord.data.offset) {
      this.#path.at = at;
      if (this.#path.length <= length - PathRecord.data.offset) this.#paths.add(this.#path, bytes);
      else this.rejected++;
    } else if (type === RecordType.RECORD_USE && length >= UseRecord.size) {
      this.#use.at = at;
      this.#owners.use(this.#use);
    } else if (type === RecordType.RECORD_ADDRESS && length >= AddressRecord.size) {
      this.#address.at = at;
      this.#owners.address(this.#address, bytes);
    } else if (type === RecordType.RECORD_UDP_DELIVERY && length >= UdpDeliveryRecord.size) {
      // each counts, and what is behind a cut is taken in again
      if (this.#ring.position <= this.#deliveriesUpTo) return;
      this.#deliveriesUpTo = this.#ring.position;
      this.#delivery.at = at;
      this.#owners.deliveries?.add(this.#delivery, bytes);
    } else if (type === RecordType.RECORD_FORK && length >= ForkRecord.size) {
      this.#fork.at = at;
      this.onFork?.(this.#fork.parent, this.#fork.child);
    } else if (type === RecordType.RECORD_RUNS && length >= RunsRecord.run.offset) {
      this.#addRuns(at, length);
    } else if (type === RecordType.RECORD_CHUNK && length >= ChunkRecord.data.offset) {
      this.#addChunk(at, length);
    } else {
      this.rejected++;
    }
  }

  #begin(at: number): void {
    const i = this.#count++;
    this.#at[i] = at;
    this.#runsAt[i] = none;
    this.#position[i] = this.#ring.position;
    this.#expected[i] = 0;
    this.#captured[i] = 0;
    this.#firstChunk[i] = none;
    const event = this.#event;
    event.at = at;
    if (event.captured === 0 && this.#runsOf(i) <= 1) return;
    this.#expected[i] = event.captured;
    if (this.#open.has(event.thread)) this.rejected++; // its parts come before this, or not at all
    this.#open.set(event.thread, i);
  }

  /** How many writers' runs make up an entry; what is no pipe's has one. */
  #runsOf(i: number): number {
    this.#event.at = this.#at[i]!;
    if (this.#event.kind !== Kind.KIND_PIPE) return 1;
    this.#pipe.at = this.#at[i]!;
    return this.#pipe.runs;
  }

  #addRuns(at: number, length: number): void {
    const runs = this.#runs;
    runs.at = at;
    const i = this.#open.get(runs.thread);
    if (i === undefined) return;
    if (length < RunsRecord.run.offset + this.#runsOf(i) * RunsRecord.run.size) {
      this.rejected++;
      this.#open.delete(runs.thread); // nothing better will come
      return;
    }
    this.#runsAt[i] = at;
    this.#close(runs.thread, i);
  }

  #addChunk(at: number, length: number): void {
    const chunk = this.#chunk;
    chunk.at = at;
    const i = this.#open.get(chunk.thread);
    if (i === undefined) return;
    if (chunk.length > length - ChunkRecord.data.offset || chunk.offset !== this.#captured[i]) {
      this.rejected++;
      this.#open.delete(chunk.thread); // contents end at the gap
      return;
    }
    const chunks = this.#chunks;
    const id = chunks.start.length;
    chunks.start.push(at * 4 + ChunkRecord.data.offset);
    chunks.length.push(chunk.length);
    chunks.next.push(none);
    if (this.#firstChunk[i] === none) this.#firstChunk[i] = id;
    else chunks.next[this.#lastChunk[i]!] = id;
    this.#lastChunk[i] = id;
    this.#captured[i]! += chunk.length;
    this.#close(chunk.thread, i);
  }

  /** An entry that has all its parts waits no longer. */
  #close(thread: number, i: number): void {
    const whole = this.#runsOf(i) <= 1 || this.#runsAt[i] !== none;
    if (whole && this.#captured[i] === this.#expected[i]) this.#open.delete(thread);
  }

  /** Its parts are behind a record that is still being written: next time. */
  #cutBefore(i: number): void {
    this.#ring.rewind(this.#position[i]!);
    this.#count = i;
  }

  /**
   * What /proc says is younger than what was taken in: a descriptor may have been passed on in between.
   * So whoever asks it is asked again, of the same answer, when all that came meanwhile is known.
   */
  #cutBeforeUnready(now: number): void {
    const { words } = this.#ring;
    const lookedUp = this.#lookedUp;
    this.#lookedUp = false;
    if (now === Number.POSITIVE_INFINITY) return;
    for (let i = 0; i < this.#count; i++) {
      const at = this.#at[i]!;
      this.#event.at = at;
      const reader = this.#readers[this.#event.kind];
      if (reader?.isReady === undefined) continue;
      const looksUp = reader.looksUp?.(at) ?? false;
      const isNew = this.#position[i]! > this.#asked;
      // an answer from before an event is none for it
      if (!(looksUp && lookedUp && isNew)) {
        const isReady = reader.isReady(at);
        if (looksUp && !lookedUp) {
          this.#lookedUp = true;
          this.#asked = this.#position[this.#count - 1]!;
        } else {
          const age = now - (words[at + timeWord + 1]! * 4.294967296 + words[at + timeWord]! / 1e9);
          if (isReady || age >= longestWait) continue;
        }
      }
      this.#cutBefore(i);
      return;
    }
  }

  /** Nearly sorted already: reservations on several CPUs differ by little. */
  #sort(): void {
    const order = this.#order;
    for (let i = 0; i < this.#count; i++) {
      let j = i;
      while (j > 0 && this.#isLater(order[j - 1]!, i)) {
        order[j] = order[j - 1]!;
        j--;
      }
      order[j] = i;
    }
  }

  #isLater(a: number, b: number): boolean {
    const { words } = this.#ring;
    const atA = this.#at[a]! + timeWord;
    const atB = this.#at[b]! + timeWord;
    const high = words[atA + 1]! - words[atB + 1]!;
    return high !== 0 ? high > 0 : words[atA]! > words[atB]!;
  }

  /**
   * Makes the events of the batch in `event`, one after the other; `emit` is called for each, after
   * `stamp` was given its boot time, and ends it all by answering false.
   */
  read(event: Event, stamp: (low: number, high: number) => void, emit: () => boolean): void {
    const { words } = this.#ring;
    let wanted = true;
    const emitted = () => {
      if (wanted) wanted = emit();
      return wanted;
    };
    for (let n = 0; n < this.#count && wanted; n++) {
      const i = this.#order[n]!;
      const at = this.#at[i]!;
      if (this.#runsAt[i] === none && this.#runsOf(i) > 1) continue; // whose bytes they are was lost
      this.#event.at = at;
      const { kind } = this.#event;
      stamp(words[at + timeWord]!, words[at + timeWord + 1]!);
      event.kind = this.#kinds[kind]!.name;
      this.#entry.at = at;
      this.#entry.runsAt = this.#runsAt[i]!;
      this.#entry.contents = this.withContents ? this.#gather(i) : null;
      this.#readers[kind]!.read(this.#entry, event, emitted);
    }
  }

  /** Contents in one piece: where they lie when there is one chunk, copied together otherwise. */
  #gather(i: number): Contents {
    const contents = this.#contents;
    const chunks = this.#chunks;
    const first = this.#firstChunk[i]!;
    contents.length = this.#captured[i]!;
    if (first === none || chunks.next[first] === none) {
      contents.bytes = this.#ring.bytes;
      contents.start = first === none ? 0 : chunks.start[first]!;
      return contents;
    }
    if (this.#joined.length < contents.length) this.#joined = new Uint8Array(contents.length * 2);
    let length = 0;
    for (let id = first; id !== none; id = chunks.next[id]!) {
      const start = chunks.start[id]!;
      this.#joined.set(this.#ring.bytes.subarray(start, start + chunks.length[id]!), length);
      length += chunks.length[id]!;
    }
    contents.bytes = this.#joined;
    contents.start = 0;
    return contents;
  }
}

function copied<T extends { set(old: T): void }>(larger: T, old: T): T {
  larger.set(old);
  return larger;
}
