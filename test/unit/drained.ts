/** What tests of a batch share: a tape that is drained, and its events as plain data. */
import { expect } from "bun:test";
import type { BpfMap } from "../../ffi/map.ts";
import { Batch } from "../../src/decode/batch.ts";
import { blankEvent, type Event } from "../../src/event.ts";
import { kinds as all } from "../../src/kinds/index.ts";
import type { KindModule } from "../../src/kinds/kind.ts";
import { Facts } from "../../src/name/facts.ts";
import { Names } from "../../src/name/names.ts";
import { Owners } from "../../src/name/owners.ts";
import { Passed } from "../../src/name/passed.ts";
import { Paths } from "../../src/name/paths.ts";
import { Receivers } from "../../src/name/receivers.ts";
import { Victims } from "../../src/name/victims.ts";
import { Waiting } from "../../src/name/waiting.ts";
import { Tape } from "./tape.ts";

export const pipe = all.find(({ name }) => name === "pipe")!;
export const signal = all.find(({ name }) => name === "signal")!;
export const queues = all.find(({ name }) => name === "sysv-mq")!;

export const ann = { tgid: 100, tag: 11 };
export const bob = { tgid: 200, tag: 22 };
export const cyd = { tgid: 300, tag: 33 };

/** An event as plain data, without what is at its default. */
export interface Seen {
  kind: string;
  time: number;
  src: string;
  dst: string;
  meta: Record<string, string | number | true>;
  count: number;
  contents: string | null;
}

export interface Settings {
  contents?: boolean;
  maxBytes?: number;
  kinds?: readonly KindModule[];
  /** who holds a socket can't be looked up in /proc */
  alone?: boolean;
  /** where forks are noted */
  forks?: [parent: number, child: number][];
}

/** What is drained. */
export interface Drains {
  batch: Batch;
  waiting: Waiting;
}

export function start(
  tape: Tape,
  { contents = true, maxBytes = 0, kinds = [pipe, signal], alone = false, forks = [] }: Settings = {},
): Drains {
  const names = new Names({ lookup: () => false, delete: () => {} } as unknown as BpfMap);
  const owners = new Owners(names, null);
  const nobody = () => null;
  if (alone) {
    Object.assign(owners.holders, { ofSocket: nobody, ofTerminal: nobody });
    Object.assign(owners.files, { tcp: nobody, udp: nobody, unix: nobody, unixListener: nobody });
  }
  const paths = new Paths(1 << 20);
  const known = {
    names,
    paths,
    owners,
    passed: new Passed(tape.words, tape.bytes, paths, owners),
    receivers: new Receivers(50e6),
    victims: new Victims(),
  };
  const facts = new Facts(tape.words, tape.bytes, known, (parent, child) => forks.push([parent, child]));
  const batch = new Batch(tape.ring, kinds, { ...known, maxBytes }, facts, contents);
  return { batch, waiting: new Waiting(owners, 0.05) };
}

/** One drain, at a time since boot in seconds; reading pauses after every so many events. */
export function drain(drains: Drains, now = Number.POSITIVE_INFINITY, pause = 0): Seen[] {
  const { batch, waiting } = drains;
  const seen: Seen[] = [];
  const event = blankEvent();
  let time = 0;
  batch.fill();
  waiting.hold(batch, now);
  const stamp = (low: number, high: number) => {
    time = high * 2 ** 32 + low;
  };
  const emit = () => {
    seen.push(plain(event, time));
    return pause === 0 || seen.length % pause !== 0;
  };
  let rounds = 1;
  while (!batch.read(event, stamp, emit)) rounds++;
  if (pause > 0) expect(rounds).toBe(Math.floor(seen.length / pause) + 1);
  batch.release();
  return seen;
}

export function plain(event: Event, time: number): Seen {
  const meta: Seen["meta"] = {};
  event.meta({
    text: (key, value) => {
      meta[key.name] = text(value);
    },
    integer: (key, low, high) => {
      meta[key.name] = high * 2 ** 32 + low;
    },
    flag: (key) => {
      meta[key.name] = true;
    },
  });
  const { src, dst, contents } = event;
  return {
    kind: event.kind,
    time,
    src: `${src.pid}(${src.comm === null ? "?" : text(src.comm)})${src.guess ? " guess" : ""}`,
    dst: `${dst.pid}(${dst.comm === null ? "?" : text(dst.comm)})${dst.guess ? " guess" : ""}`,
    meta,
    count: event.countHigh * 2 ** 32 + event.countLow,
    contents: contents && text(contents.bytes.subarray(contents.start, contents.start + contents.length)),
  };
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export function named(): Tape {
  const tape = new Tape();
  tape.name(ann, "ann");
  tape.name(bob, "bob");
  tape.name(cyd, "cyd");
  return tape;
}

export const fromAnn = { srcTgid: ann.tgid, srcTag: ann.tag };
export const toBob = { dstTgid: bob.tgid, dstTag: bob.tag };
