/**
 * --join: successive events of one pair, channel and direction within a time become one. Each waits for that time,
 * counted from its first event, so that they leave in the order in which they began. Keys are strings: only
 * who asks for it pays for them.
 */
import { highHalf, whole } from "../../ffi/halves.ts";
import { latin1 } from "../bytes/latin1.ts";
import { type End, type Event, type Key, key, type Meta, type PassedFile, type Time } from "../event.ts";
import type { MessageListener } from "../message/decoding.ts";
import { snapshot } from "../message/snapshot.ts";
import type { Stage } from "./stage.ts";

/** in nanoseconds: what is in the ring may be that much older than now */
const lag = 60e6;
/** that many wait at most, and that many bytes of them, which a hex dump makes five times as long; the oldest goes then */
const mostWaiting = 65_536;
const mostBytes = 3 * 1024 * 1024;
/** bytes of contents to which others are added */
const mostJoined = 1024 * 1024;
const events = key("events", "integer");

/** Tells by an event's meta which channel it is in, and which way it went. */
class Way implements Meta {
  /** the same for successive events of one direction */
  direction = "";
  /** the same for both directions */
  conversation = "";
  #common = "";
  #sources = new Map<string, string>();
  #destinations = new Map<string, string>();

  read(event: Event): void {
    const { kind, src, dst } = event;
    this.#common = `${kind} `;
    this.#sources.clear();
    this.#destinations.clear();
    event.meta(this);
    const [source, destination] = [nameOf(src), nameOf(dst)];
    const all = [...this.#sources, ...this.#destinations].map(([name, value]) => `${name} ${value}`);
    this.direction = [this.#common, source, destination, src.guess, dst.guess, ...all].join("\0");
    const shared = [...this.#sources.keys()].filter((name) => this.#destinations.has(name));
    const ends = [
      [source, ...shared.map((name) => this.#sources.get(name))].join("\0"),
      [destination, ...shared.map((name) => this.#destinations.get(name))].join("\0"),
    ];
    this.conversation = [this.#common, ...ends.sort()].join("\0");
  }

  text({ name }: Key, value: Uint8Array): void {
    this.#add(name, latin1(value));
  }

  integer({ name }: Key, low: number, high: number): void {
    if (name !== "count") this.#add(name, `${high}:${low}`);
  }

  flag({ name }: Key): void {
    this.#add(name, "");
  }

  /** What carries descriptors is joined with nothing that carries others, or none. */
  passed({ name }: Key, files: readonly PassedFile[]): void {
    this.#add(name, files.map(({ fd }) => fd).join());
  }

  #add(name: string, value: string): void {
    if (name.startsWith("src_")) this.#sources.set(name.slice("src_".length), value);
    else if (name.startsWith("dst_")) this.#destinations.set(name.slice("dst_".length), value);
    else this.#common += `${name} ${value}\0`;
  }
}

/** Passes meta on, with another count. */
class Counted implements Meta {
  out: Meta | null = null;
  count = 0;

  text(key: Key, value: Uint8Array): void {
    this.out?.text(key, value);
  }

  integer(key: Key, low: number, high: number): void {
    if (key.name === "count") this.out?.integer(key, this.count >>> 0, highHalf(this.count));
    else this.out?.integer(key, low, high);
  }

  flag(key: Key): void {
    this.out?.flag(key);
  }

  passed(key: Key, files: readonly PassedFile[]): void {
    this.out?.passed?.(key, files);
  }
}

const counted = new Counted();

/** One event of several. */
class Joined {
  readonly event: Event;
  readonly begun: Time;
  #count: number;
  #events = 1;
  /** whether bytes are missing: nothing is joined across a gap */
  #isCut: boolean;

  constructor(
    event: Event,
    readonly direction: string,
    readonly conversation: string,
  ) {
    const kept = snapshot(event);
    this.begun = kept.time;
    this.#count = whole(event.countLow, event.countHigh);
    this.#isCut = kept.contents !== null && kept.contents.length < this.#count;
    this.event = { ...kept, meta: (out) => this.#meta(kept, out) };
  }

  /** Takes in another; how many bytes more it keeps. */
  add({ contents, countLow, countHigh }: Event): number {
    const size = whole(countLow, countHigh);
    this.#events++;
    this.#count += size;
    this.event.countLow = this.#count >>> 0;
    this.event.countHigh = highHalf(this.#count);
    const own = this.event.contents;
    if (own === null || contents === null || this.#isCut) return 0;
    this.#isCut = contents.length < size || own.length + contents.length > mostJoined;
    const room = Math.min(contents.length, Math.max(0, mostJoined - own.length));
    const length = own.length + room;
    const before = own.bytes.length;
    if (length > own.bytes.length) {
      const larger = new Uint8Array(length * 2);
      larger.set(own.bytes.subarray(0, own.length));
      own.bytes = larger;
    }
    own.bytes.set(contents.bytes.subarray(contents.start, contents.start + room), own.length);
    own.length = length;
    return own.bytes.length - before;
  }

  #meta(kept: Event, out: Meta): void {
    counted.out = out;
    counted.count = this.#count;
    kept.meta(counted);
    if (this.#events > 1) out.integer(events, this.#events, 0);
  }
}

export class Joining implements Stage {
  readonly #way = new Way();
  /** in the order in which they began; those before `#first` are gone */
  #waiting: Joined[] = [];
  #first = 0;
  #bytes = 0;
  /** by conversation: the last direction, which the next event may belong to */
  readonly #open = new Map<string, Joined>();

  /** in nanoseconds */
  readonly #span: number;

  /** @param seconds how long after its first event others join it */
  constructor(
    seconds: number,
    private readonly listener: MessageListener,
  ) {
    this.#span = Math.round(seconds * 1e9);
  }

  event(event: Event): void {
    this.#print(event.time, 0);
    const way = this.#way;
    way.read(event);
    const open = this.#open.get(way.conversation);
    const isSuccessor =
      open?.direction === way.direction && nanosecondsFrom(open.begun, event.time) <= this.#span;
    if (open !== undefined && isSuccessor) {
      this.#bytes += open.add(event);
    } else {
      const joined = new Joined(event, way.direction, way.conversation);
      this.#waiting.push(joined);
      this.#bytes += joined.event.contents?.length ?? 0;
      this.#open.set(way.conversation, joined);
    }
    while (this.#waiting.length - this.#first > mostWaiting || this.#bytes > mostBytes) this.#printFirst();
  }

  /** Nothing is joined across what was lost. */
  lost(): void {
    this.#open.clear();
  }

  tick(now: Time): void {
    this.#print(now, lag);
  }

  end(): void {
    while (this.#first < this.#waiting.length) this.#printFirst();
  }

  /** Those that nothing can join any more by `now`, `late` nanoseconds later. */
  #print(now: Time, late: number): void {
    while (this.#first < this.#waiting.length) {
      if (nanosecondsFrom(this.#waiting[this.#first]!.begun, now) - late <= this.#span) break;
      this.#printFirst();
    }
    if (this.#first === this.#waiting.length) {
      this.#waiting = [];
      this.#first = 0;
      this.#bytes = 0;
      this.#open.clear();
    }
  }

  #printFirst(): void {
    const joined = this.#waiting[this.#first]!;
    this.#first++;
    this.#bytes -= joined.event.contents?.bytes.length ?? 0;
    if (this.#open.get(joined.conversation) === joined) this.#open.delete(joined.conversation);
    this.listener.event(joined.event);
    if (this.#first < mostWaiting) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }
}

function nameOf({ pid, comm }: End): string {
  return `${pid} ${comm === null ? "" : latin1(comm)}`;
}

function nanosecondsFrom(begin: Time, end: Time): number {
  return (end.seconds - begin.seconds) * 1e9 + end.nanoseconds - begin.nanoseconds;
}
