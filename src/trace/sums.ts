/**
 * Events that the kernel side added up where nothing but sums is asked for. They are copied first and told of when all
 * that was in the ring by then is read: the names in them were announced there before.
 */
import { whole } from "../../ffi/halves.ts";
import type { BpfMap } from "../../ffi/map.ts";
import type { Options } from "../command/arguments.ts";
import type { Event } from "../event.ts";
import type { Groups } from "../filter/groups.ts";
import { isByIdentity } from "../filter/wanted.ts";
import type { KindModule, Reader, Tools } from "../kinds/kind.ts";
import { EventRecord, LoopbackRecord, RecordType, type Shared, Sum, SumKey } from "../layout.ts";
import type { Names } from "../name/names.ts";

/** Of one sum so much as was not told of yet. */
interface Part {
  readonly key: Uint32Array;
  events: number;
  bytes: number;
  /** how much was copied, all in all */
  copiedEvents: number;
  copiedBytes: number;
}

/** Whether sums of events that are alike say all that is asked for. */
export function isAddedUp(
  { summary, decode, count, who, match, wanted, sure, bytes, top, map }: Options,
  groups: Groups,
): boolean {
  const asksEach = decode !== null || count > 0 || who || match.length > 0 || sure || bytes || map !== null;
  return (summary || top !== null) && !asksEach && !groups.isFollowing && !isByIdentity(wanted);
}

export class Sums {
  readonly #map: BpfMap;
  readonly #shared: Shared;
  readonly #parts = new Map<string, Part>();
  readonly #sum = new Sum(new Uint32Array(Sum.size / 4));
  readonly #words = new Uint32Array(LoopbackRecord.size / 4);
  readonly #kinds: readonly KindModule[];
  readonly #readers: readonly Reader[];
  readonly #names: Names;
  #ages = 0;
  /** where the ring was when sums were copied; infinite: all copied ones were told of */
  #copiedAt = Number.POSITIVE_INFINITY;

  constructor(map: BpfMap, shared: Shared, kinds: readonly KindModule[], tools: Omit<Tools, "words">) {
    this.#map = map;
    this.#shared = shared;
    this.#kinds = kinds;
    this.#names = tools.names;
    this.#readers = kinds.map((kind) => kind.reader({ ...tools, words: this.#words }));
  }

  /** Events that had no room among the sums and went through the ring. */
  get spilled(): number {
    return whole(this.#shared.spilledLow, this.#shared.spilledHigh);
  }

  /** Whether to copy them: they are shown now, or names would be forgotten that are theirs. */
  isDue(areShown: boolean): boolean {
    return this.#copiedAt === Number.POSITIVE_INFINITY && (areShown || this.#names.ages !== this.#ages);
  }

  /** The ring is here, behind all names of what was copied. */
  wait(position: number): void {
    this.#copiedAt = position;
  }

  /** Whether there is something to tell of, with the ring read up to here. */
  isKnown(settled: number): boolean {
    return settled >= this.#copiedAt;
  }

  /** So many of the next events get records. */
  set samples(events: number) {
    this.#shared.samples = events;
  }

  /** Copies them; to be followed by a look at where the ring is. */
  copy(): void {
    const sum = this.#sum;
    this.#ages = this.#names.ages;
    for (const key of this.#map.keys(SumKey.size / 4)) {
      if (!this.#map.lookup(key, sum.words)) continue;
      const name = key.join();
      let part = this.#parts.get(name);
      if (part === undefined) {
        part = { key, events: 0, bytes: 0, copiedEvents: 0, copiedBytes: 0 };
        this.#parts.set(name, part);
      }
      const events = whole(sum.eventsLow, sum.eventsHigh);
      const bytes = whole(sum.bytesLow, sum.bytesHigh);
      part.events += events - part.copiedEvents;
      part.bytes += bytes - part.copiedBytes;
      part.copiedEvents = events;
      part.copiedBytes = bytes;
    }
  }

  /** Tells of the copied ones: `emit` is called once for each, with an event of theirs and how many there were. */
  tell(event: Event, emit: (events: number, bytes: number) => void): void {
    this.#copiedAt = Number.POSITIVE_INFINITY;
    for (const part of this.#parts.values()) {
      // also to ask for its names
      this.#make(part.key, event);
      if (part.events === 0) continue;
      emit(part.events, part.bytes);
      part.events = 0;
      part.bytes = 0;
    }
  }

  #make(words: Uint32Array, event: Event): void {
    const key = new SumKey(words);
    const record = this.#words;
    record.fill(0);
    const i = this.#kinds.findIndex(({ id }) => id === key.kind);
    record[0] = RecordType.RECORD_EVENT;
    record.set([key.srcTgid, key.srcTag, key.dstTgid, key.dstTag, key.kind, key.flags], 4);
    record.set(words.subarray(SumKey.rest.offset / 4), EventRecord.size / 4);
    event.kind = this.#kinds[i]!.name;
    this.#readers[i]!.read({ at: 0, position: 0, runsAt: -1, contents: null }, event, () => true);
  }
}
