/**
 * The words of EVENTS.md. One mutable Event travels through the pipeline and is filled anew for each record. So
 * nothing here may be kept past the call that received it.
 */
import type { Identity } from "./identity.ts";
import { Kind as Kinds } from "./layout.ts";

/** `unix-stream` of `UNIX_STREAM` */
type Word<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${Lowercase<First>}-${Word<Rest>}`
  : Lowercase<Name>;

/** A name of enum kind as `type` has it. */
type Named = { [Name in keyof typeof Kinds]: Name extends `KIND_${infer Rest}` ? Word<Rest> : never };

/** The values of `type`; `unknown` only names losses whose kind can't be told. */
export type Kind = Exclude<Named[keyof Named], "unknown">;

/** All of them, in the order of enum kind. */
export const kindNames: readonly Kind[] = Object.keys(Kinds)
  .map((name) => name.slice("KIND_".length).toLowerCase().replaceAll("_", "-"))
  .filter((name): name is Kind => name !== "unknown");

/** The bytes of a kind's events: without borders, message by message, or none. */
export type Carries = "stream" | "messages" | "nothing";

export type LostReason = "ring_full" | "map_full" | "fault" | "probe_missed";

/** The name of an end, and with --who what tells its process apart behind it: the same array for the same. */
export function titleOf({ comm, who }: End): Uint8Array | null {
  return comm === null || who === null || who === undefined ? comm : who.title;
}

/** One end of an event. `comm` holds the raw bytes without NUL; null prints as `<unknown>`. */
export interface End {
  /** tgid, or -1 when it can't be known */
  pid: number;
  comm: Uint8Array | null;
  /** inferred rather than observed: prints `src_guess` or `dst_guess` in meta */
  guess: boolean;
  /** tells lives and names of a pid apart; 0 or missing when only /proc knew the process */
  tag?: number;
  /** who it is beside that: of --who and the filters by it. The same array as `comm` goes with the same identity */
  who?: Identity | null;
}

/** Nobody, to be filled. */
export function nobody(): End {
  return { pid: -1, comm: null, guess: false };
}

/** The sort of a value in meta: raw bytes, an unsigned 64-bit number, true, or descriptors. */
export type Value = "text" | "integer" | "flag" | "passed";

/** A name in meta, its bytes made once for every format. */
export interface Key {
  /** 0, 1, 2 and so on: formats have arrays by it */
  readonly id: number;
  readonly name: string;
  readonly value: Value;
  readonly bytes: Uint8Array;
  /** whether its text says where an event happened */
  readonly isPlace: boolean;
}

const keys = new Map<string, Key & { isPlace: boolean }>();

/**
 * The key of a name: kinds that have the same one in their meta share it.
 * @throws Error when they mean different things
 */
export function key(name: string, value: Value, isPlace = false): Key {
  const known = keys.get(name);
  if (known === undefined) {
    const made = { id: keys.size, name, value, bytes: new TextEncoder().encode(name), isPlace };
    keys.set(name, made);
    return made;
  }
  if (known.value !== value) throw new Error(`meta's ${name} is ${known.value} here and ${value} there`);
  known.isPlace ||= isPlace;
  return known;
}

/** The key that was made for a name, for who finds it written. */
export function findKey(name: string): Key | undefined {
  return keys.get(name);
}

/** A file behind a name. */
export interface File {
  /** as the kernel has it: twelve bits of the major number above twenty of the minor one */
  device: number;
  inodeLow: number;
  inodeHigh: number;
  path: Uint8Array;
}

/** A descriptor that a message carries. */
export interface PassedFile {
  /** its number at the sender; -1 where that was not recorded */
  readonly fd: number;
  /** `socket`, `pipe`, `file`, `folder`, `device`, or the kernel's name for what has no path: `eventfd` */
  readonly what: string;
  readonly path: Uint8Array | null;
  /** its number at the receiver, -1 as long as nobody has received it */
  given: number;
}

/** The receiver of a kind's meta, in the order of EVENTS.md. Each format implements it. */
export interface Meta {
  /** raw bytes: a path or a name, escaped by the format; an array's bytes stay what they are */
  text(key: Key, value: Uint8Array): void;
  /** an unsigned 64-bit number in two halves (each 0..2^32-1), printed as an exact decimal */
  integer(key: Key, low: number, high: number): void;
  /** prints true */
  flag(key: Key): void;
  /** descriptors, for who shows them; they may still get their numbers at the receiver */
  passed?(key: Key, files: readonly PassedFile[]): void;
  /** the file that a text stands for and its path, for who looks for files; nothing is printed of it */
  file?(file: File): void;
}

/** Contents: `length` bytes at `start`; a view that dies with the drain. */
export interface Contents {
  bytes: Uint8Array;
  start: number;
  length: number;
}

/** CLOCK_REALTIME of the event: whole seconds since the epoch and 0..999999999. */
export interface Time {
  seconds: number;
  nanoseconds: number;
}

/** What many events have in common: the same one, and meta says the same but for `count`, which is the event's. */
export interface Scene {
  readonly id: number;
  /** that of its events */
  readonly meta: (out: Meta) => void;
}

export interface Event {
  kind: Kind;
  time: Time;
  src: End;
  dst: End;
  /** writes everything of meta but `captured` and the guess flags, which are the formats' */
  meta: (out: Meta) => void;
  /** to be asked for with sceneOf; null or missing: meta may say anything */
  scene?: Scene | null;
  /** meta.count: the whole size of the transfer in two halves */
  countLow: number;
  countHigh: number;
  /** null without -x; fewer bytes than count print as `captured` (and -B or a fault was the cause) */
  contents: Contents | null;
}

export interface Lost {
  kind: Kind | "unknown";
  count: number;
  reason: LostReason;
  time: Time;
}

/** The scene of an event, unless its meta was made for it alone. */
export function sceneOf({ scene, meta }: Event): Scene | null {
  return scene != null && scene.meta === meta ? scene : null;
}

/** For makers of events, which make one after the other in the same. */
export function blankEvent(): Event {
  return {
    kind: "pipe",
    time: { seconds: 0, nanoseconds: 0 },
    src: { pid: -1, comm: null, guess: false, tag: 0, who: null },
    dst: { pid: -1, comm: null, guess: false, tag: 0, who: null },
    meta: (_out: Meta) => {},
    scene: null,
    countLow: 0,
    countHigh: 0,
    contents: null,
  };
}
