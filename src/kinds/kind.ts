/** The facts that a kind tells of itself; src/kinds/index.ts lists them all. */
import type { Channel, Channels } from "../../ffi/channel.ts";
import type { Backend, Hooks } from "../../ffi/program.ts";
import type { Carries, Contents, Event, Kind } from "../event.ts";
import type { Names } from "../name/names.ts";
import type { Owners } from "../name/owners.ts";
import type { Passed } from "../name/passed.ts";
import type { Paths } from "../name/paths.ts";
import type { Receivers } from "../name/receivers.ts";
import type { Victims } from "../name/victims.ts";
import type { Asked } from "../name/waiting.ts";

/** The sources of a kind's reader. */
export interface Tools {
  /** the ring's data */
  words: Uint32Array;
  names: Names;
  paths: Paths;
  owners: Owners;
  receivers: Receivers;
  victims: Victims;
  passed: Passed;
  /** -B: bytes of contents an event at most, 0 is all. The kernel side keeps to it where a record is one event */
  maxBytes: number;
}

/** One record of the ring and what came with it. */
export interface Entry {
  /** index of its first word */
  at: number;
  /** its position in the ring */
  position: number;
  /** index of the first word of its runs_record, -1 without one */
  runsAt: number;
  /** null without -x */
  contents: Contents | null;
}

/**
 * Turns a record into events. When `emit` answers false it makes no more of them for now; the same record may be
 * read once more then, and has to make the same ones.
 */
export interface Reader extends Asked {
  read(entry: Entry, event: Event, emit: () => boolean): void;
  /** Of how many writers the bytes of the record at this word are; where it is more than one, a part tells of them. */
  writers?(at: number): number;
  /** messages whose senders were forgotten, for there were too many */
  readonly forgotten?: number;
  /** lines about what it knows to be unread, for the end */
  unread?(): string[];
}

/** The orders for ffi/child.c, as the source and as the destination of an event. */
export interface Trial {
  /** given the pid of the destination */
  source(destination: number): readonly string[];
  destination: readonly string[];
  /** descriptors for both */
  descriptors: readonly number[];
  /** whether the destination does not end by itself */
  stays?: boolean;
  [Symbol.dispose](): void;
}

/** Bytes through descriptors, from one process to another. */
export function through(channel: Channel): Trial {
  const { writing, reading } = channel;
  return {
    source: () => ["w", `${writing}`],
    destination: ["r", `${reading}`],
    descriptors: [writing, reading],
    [Symbol.dispose]: () => channel[Symbol.dispose](),
  };
}

export interface KindModule {
  name: Kind;
  /** the other words -t takes for it */
  aliases: readonly string[];
  /** the words of -t for it and others, the same in each of them */
  group?: readonly string[];
  /** one event of it, in a few words, for README's table */
  shows: string;
  /** what its events are to those who see packets in them */
  carries: Carries;
  /** enum kind: the number in its records, and its row of the loss counters */
  id: number;
  /** bytes of its records */
  size: number;
  hooks: Hooks;
  /** hooks whose programs go with any back end, but which the kind has with these only */
  within?: Readonly<Record<string, readonly Backend[]>>;
  /** hooks that a kernel may lack, and the blind spot without them; the kind is traced all the same */
  optional?: Readonly<Record<string, string | null>>;
  /** blind spots of each back end with every kernel, as the `tracing` line says them */
  blind: Partial<Record<Backend, readonly string[]>>;
  reader(tools: Tools): Reader;
  /** two processes that make one event of it, for doctor. @throws NativeError when that can't be had here */
  trial(channels: Channels): Trial;
}
