import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { BpfMap } from "../../ffi/map.ts";
import { Batch } from "../../src/decode/batch.ts";
import { blankEvent, type Event } from "../../src/event.ts";
import { kinds as all } from "../../src/kinds/index.ts";
import type { Entry, KindModule, Reader, Tools } from "../../src/kinds/kind.ts";
import {
  AddressRecord,
  ChunkRecord,
  EventFlags,
  EventRecord,
  ForkRecord,
  Kind,
  NameRecord,
  PathRecord,
  PipeRecord,
  RecordType,
  RunFlags,
  RunsRecord,
  SignalRecord,
  UseRecord,
} from "../../src/layout.ts";
import { Facts } from "../../src/name/facts.ts";
import { Names } from "../../src/name/names.ts";
import { Owners } from "../../src/name/owners.ts";
import { Paths } from "../../src/name/paths.ts";
import { Receivers } from "../../src/name/receivers.ts";
import { Waiting } from "../../src/name/waiting.ts";
import { Tape } from "./tape.ts";

const pipe = all.find(({ name }) => name === "pipe")!;
const signal = all.find(({ name }) => name === "signal")!;

/** A machine may have a lot else to do. */
setDefaultTimeout(30_000);

const ann = { tgid: 100, tag: 11 };
const bob = { tgid: 200, tag: 22 };
const cyd = { tgid: 300, tag: 33 };

/** An event as plain data, without what is at its default. */
interface Seen {
  kind: string;
  time: number;
  src: string;
  dst: string;
  meta: Record<string, string | number | true>;
  count: number;
  contents: string | null;
}

interface Settings {
  contents?: boolean;
  maxBytes?: number;
  kinds?: readonly KindModule[];
  /** who holds a socket can't be looked up in /proc */
  alone?: boolean;
  /** where forks are noted */
  forks?: [parent: number, child: number][];
}

/** What is drained. */
interface Drains {
  batch: Batch;
  waiting: Waiting;
}

function start(
  tape: Tape,
  { contents = true, maxBytes = 0, kinds = [pipe, signal], alone = false, forks = [] }: Settings = {},
): Drains {
  const names = new Names({ delete: () => {} } as unknown as BpfMap);
  const owners = new Owners(names, null);
  const nobody = () => null;
  if (alone) {
    Object.assign(owners.holders, { ofSocket: nobody, ofMaster: nobody });
    Object.assign(owners.files, { tcp: nobody, udp: nobody, unix: nobody, unixListener: nobody });
  }
  const known = { names, paths: new Paths(1 << 20), owners, receivers: new Receivers(50e6) };
  const facts = new Facts(tape.words, tape.bytes, known, (parent, child) => forks.push([parent, child]));
  const batch = new Batch(tape.ring, kinds, { ...known, maxBytes }, facts, contents);
  return { batch, waiting: new Waiting(owners, 0.05) };
}

/** One drain, at a time since boot in seconds; reading pauses after every so many events. */
function drain(drains: Drains, now = Number.POSITIVE_INFINITY, pause = 0): Seen[] {
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

function plain(event: Event, time: number): Seen {
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

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function named(): Tape {
  const tape = new Tape();
  tape.name(ann, "ann");
  tape.name(bob, "bob");
  tape.name(cyd, "cyd");
  return tape;
}

const fromAnn = { srcTgid: ann.tgid, srcTag: ann.tag };
const toBob = { dstTgid: bob.tgid, dstTag: bob.tag };

describe("records to events", () => {
  test("a signal to a group, and one to a thread", () => {
    const tape = named();
    tape.signal({
      ...fromAnn,
      ...toBob,
      timeLow: 5,
      number: 15,
      flags: EventFlags.SIGNAL_GROUP,
      thread: 200,
    });
    tape.signal({
      ...fromAnn,
      ...toBob,
      timeLow: 6,
      timeHigh: 1,
      number: 36,
      thread: 101,
      target: 201,
      result: 1,
    });
    const common = { kind: "signal", src: "100(ann)", dst: "200(bob)", count: 0, contents: null };
    expect(drain(start(tape))).toEqual([
      { ...common, time: 5, meta: { num: 15, name: "SIGTERM" } },
      {
        ...common,
        time: 2 ** 32 + 6,
        meta: { num: 36, name: "SIGRTMIN+2", tid: 201, result: "ignored" },
      },
    ]);
  });

  test("a pipe's bytes, without contents", () => {
    const tape = named();
    tape.pipe({ ...fromAnn, ...toBob, timeLow: 7, inodeLow: 3, inodeHigh: 2 ** 20, count: 18, thread: 201 });
    const [event, ...more] = drain(start(tape, { contents: false }));
    expect(more).toEqual([]);
    expect(event).toEqual({
      kind: "pipe",
      time: 7,
      src: "100(ann)",
      dst: "200(bob)",
      meta: { pipe_name: "<anonymous>", pipe_inode: 2 ** 52 + 3, count: 18 },
      count: 18,
      contents: null,
    });
  });

  test("a FIFO by its path, also one that did not come", () => {
    const tape = named();
    tape.path(8, 42, ["c", "b", "a"]);
    for (const inodeLow of [42, 43]) {
      tape.pipe({ ...fromAnn, ...toBob, device: 8, inodeLow, count: 1, flags: EventFlags.PIPE_FIFO });
    }
    const names = drain(start(tape)).map(({ meta }) => meta.pipe_name);
    expect(names).toEqual(["/a/b/c", "<unknown>"]);
  });

  test("nobody, a name that never came, and guesses", () => {
    const tape = new Tape();
    tape.pipe({ ...toBob, count: 1, flags: EventFlags.EVENT_DST_GUESS });
    tape.pipe({ ...fromAnn, ...toBob, count: 1, flags: EventFlags.EVENT_SRC_GUESS });
    expect(drain(start(tape)).map(({ src, dst }) => `${src} > ${dst}`)).toEqual([
      "-1(?) > 200(?) guess",
      "100(?) guess > 200(?)",
    ]);
  });

  test("a reused pid has a name of its own", () => {
    const tape = named();
    tape.name({ tgid: ann.tgid, tag: 12 }, "dora");
    tape.pipe({ srcTgid: ann.tgid, srcTag: 12, ...toBob, count: 1 });
    tape.pipe({ ...fromAnn, ...toBob, count: 1 });
    expect(drain(start(tape)).map(({ src }) => src)).toEqual(["100(dora)", "100(ann)"]);
  });

  test("contents in one chunk and in many", () => {
    const tape = named();
    tape.pipe({ ...fromAnn, ...toBob, thread: 1, count: 5, captured: 5 });
    tape.pipe({ ...fromAnn, ...toBob, thread: 2, count: 12, captured: 12 });
    tape.chunk(2, 0, "seven, ");
    tape.chunk(1, 0, "fiver");
    tape.chunk(2, 7, "eight");
    tape.pipe({ ...fromAnn, ...toBob, thread: 1, count: 9, captured: 0 });
    expect(drain(start(tape)).map(({ count, contents }) => [count, contents])).toEqual([
      [5, "fiver"],
      [12, "seven, eight"],
      [9, ""],
    ]);
    expect(tape.isRead).toBe(true);
  });

  test("a read of several writers' bytes is an event for each", () => {
    const tape = named();
    tape.pipe({ ...fromAnn, ...toBob, thread: 1, count: 10, captured: 10, runs: 3 });
    tape.runs(1, [
      { ...ann, bytes: 3 },
      { ...cyd, bytes: 5, flags: RunFlags.RUN_GUESS },
      { tgid: 0, tag: 0, bytes: 2 },
    ]);
    tape.chunk(1, 0, "aaacc");
    tape.chunk(1, 5, "ccc--");
    const seen = drain(start(tape));
    expect(seen.map(({ src, count, contents }) => [src, count, contents])).toEqual([
      ["100(ann)", 3, "aaa"],
      ["300(cyd) guess", 5, "ccccc"],
      ["-1(?)", 2, "--"],
    ]);
    expect(seen.map(({ meta }) => meta.count)).toEqual([3, 5, 2]);
    for (const pause of [1, 2, 3]) {
      tape.rewind();
      expect(drain(start(tape), Number.POSITIVE_INFINITY, pause)).toEqual(seen);
    }
  });

  test("runs whose contents end early, and at -B bytes each", () => {
    const tape = named();
    tape.pipe({ ...fromAnn, ...toBob, thread: 1, count: 9, captured: 5, runs: 3 });
    const each = [ann, cyd, ann].map((who) => ({ ...who, bytes: 3 }));
    tape.runs(1, each);
    tape.chunk(1, 0, "aaacc");
    expect(drain(start(tape)).map(({ contents }) => contents)).toEqual(["aaa", "cc", ""]);
    tape.rewind();
    expect(drain(start(tape, { maxBytes: 2 })).map(({ contents }) => contents)).toEqual(["aa", "cc", ""]);
  });

  test("ipcdump's own bytes among others' are left out", () => {
    const tape = named();
    tape.pipe({ ...fromAnn, ...toBob, thread: 1, count: 6, captured: 6, runs: 3 });
    tape.runs(1, [
      { ...ann, bytes: 2 },
      { tgid: process.pid, tag: 9, bytes: 2 },
      { ...cyd, bytes: 2 },
    ]);
    tape.chunk(1, 0, "aa..cc");
    expect(drain(start(tape)).map(({ src, contents }) => [src, contents])).toEqual([
      ["100(ann)", "aa"],
      ["300(cyd)", "cc"],
    ]);
  });

  test("the order is that of time, and of the ring among equals", () => {
    const tape = named();
    const times = [5, 3, 4, 3, 2 ** 32 + 1, 2 ** 32 - 1, 6];
    for (const [i, time] of times.entries()) {
      const timeHigh = Math.floor(time / 2 ** 32);
      tape.pipe({ ...fromAnn, ...toBob, timeLow: time % 2 ** 32, timeHigh, count: i });
    }
    const seen = drain(start(tape));
    expect(seen.map(({ time }) => time)).toEqual([3, 3, 4, 5, 6, 2 ** 32 - 1, 2 ** 32 + 1]);
    expect(seen.slice(0, 2).map(({ count }) => count)).toEqual([1, 3]);
  });
});

describe("drains", () => {
  test("an event waits for its parts, and so does what is behind it", () => {
    const tape = named();
    tape.pipe({ ...fromAnn, ...toBob, timeLow: 1, thread: 9, count: 1 });
    tape.pipe({ ...fromAnn, ...toBob, timeLow: 2, thread: 1, count: 8, captured: 8, runs: 2 });
    tape.signal({ ...fromAnn, ...toBob, timeLow: 3, number: 1 });
    tape.runs(1, [
      { ...ann, bytes: 4 },
      { ...cyd, bytes: 4 },
    ]);
    tape.chunk(1, 0, "aaaa");
    tape.chunk(1, 4, "cccc");
    const last = 9; // records, the three names included
    for (let committed = 0; committed < last; committed++) {
      tape.rewind();
      const decoder = start(tape);
      tape.committed = committed;
      const counts = drain(decoder).map(({ count }) => count);
      expect(counts).toEqual(committed >= 4 ? [1] : []);
      // the event that is not whole keeps its place
      expect(tape.released).toBe(Math.min(committed, 4));
      tape.committed = last;
      const rest = drain(decoder).slice(committed >= 4 ? 0 : 1);
      expect(rest.map(({ kind, contents }) => [kind, contents])).toEqual([
        ["pipe", "aaaa"],
        ["pipe", "cccc"],
        ["signal", null],
      ]);
      expect(drain(decoder)).toEqual([]);
      expect(decoder.batch.rejected).toBe(0);
      expect(tape.isRead).toBe(true);
    }
  });

  test("the earliest of several that are not whole", () => {
    const tape = named();
    for (const thread of [1, 2, 3])
      tape.pipe({ ...fromAnn, ...toBob, thread, count: thread, captured: thread });
    tape.chunk(2, 0, "22");
    tape.chunk(3, 0, "333");
    tape.chunk(1, 0, "1");
    const decoder = start(tape);
    tape.committed = 8;
    expect(drain(decoder)).toEqual([]);
    tape.committed = 9;
    expect(drain(decoder).map(({ contents }) => contents)).toEqual(["1", "22", "333"]);
  });

  test("parts behind more events than a batch holds", () => {
    const tape = new Tape(8 << 20);
    const many = 20_000;
    tape.name(ann, "ann");
    tape.pipe({ ...fromAnn, ...toBob, timeLow: 1, thread: 1, count: 4, captured: 4 });
    for (let i = 0; i < many; i++) tape.pipe({ ...fromAnn, ...toBob, timeLow: 2 + i, thread: 2, count: 1 });
    tape.chunk(1, 0, "late");
    const decoder = start(tape);
    const seen: Seen[] = [];
    while (!tape.isRead) seen.push(...drain(decoder));
    expect(seen[0]?.contents).toBe("late");
    expect(seen).toHaveLength(many + 1);
    expect(seen.every(({ time }, i) => time === i + 1)).toBe(true);
  });

  test("an event waits for its ends to become known, but not for long", () => {
    let known = false;
    const slow: KindModule = { ...signal, reader: (tools) => new Slow(tools, () => known) };
    const tape = named();
    const second = 1e9;
    for (const [i, number] of [1, 2, 3].entries()) {
      tape.signal({ ...fromAnn, ...toBob, timeLow: second + i, number });
    }
    const decoder = start(tape, { kinds: [slow] });
    const drainAt = (now: number) => drain(decoder, now).map(({ meta }) => meta.num);
    expect(drainAt(1.01)).toEqual([1, 3]); // ready when they have an odd number
    expect(drainAt(1.02)).toEqual([]);
    expect(tape.isRead).toBe(true); // what waits takes no room in the ring
    known = true;
    expect(drainAt(1.03)).toEqual([2]);
    known = false;
    tape.signal({ ...fromAnn, ...toBob, timeLow: second, number: 4 });
    expect(drainAt(1.04)).toEqual([]);
    expect(drainAt(1.2)).toEqual([4]);
  });

  test("an event that waits has no room in the ring, and holds up its own channel only", () => {
    const slow: KindModule = {
      ...signal,
      reader: (tools) => {
        const reader = new Slow(tools, () => false);
        const inner = signal.reader(tools);
        const record = new SignalRecord(tools.words);
        const channel = (at: number) => {
          record.at = at;
          return record.target;
        };
        const read = (entry: Entry, event: Event, emit: () => boolean) =>
          inner.read(entry, event, () => {
            event.contents = entry.contents;
            return emit();
          });
        return Object.assign(reader, { channel, read });
      },
    };
    const tape = named();
    const decoder = start(tape, { kinds: [slow, pipe] });
    const at = (seconds: number) => drain(decoder, seconds).map(({ meta, contents }) => contents || meta.num);
    const signalled = (number: number, target: number, contents = "") => {
      const thread = 10 + number;
      const captured = contents.length;
      tape.signal({ ...fromAnn, ...toBob, timeHigh: 1, timeLow: number, number, target, thread, captured });
      if (captured > 0) tape.chunk(thread, 0, contents);
    };
    signalled(2, 7, "waits");
    signalled(3, 7, "behind it");
    signalled(5, 8);
    tape.pipe({ ...fromAnn, ...toBob, timeHigh: 1, thread: 1, count: 6, captured: 6 });
    tape.chunk(1, 0, "abc");
    expect(at(4.3)).toEqual([5]);
    expect(tape.released).toBe(8); // all before the pipe's, which is not whole
    tape.chunk(1, 3, "def");
    signalled(4, 9, "another");
    expect(at(4.31)).toEqual(["abcdef"]);
    expect(tape.isRead).toBe(true);
    for (let i = 0; i < 3; i++) expect(at(4.32)).toEqual([]);
    signalled(7, 7, "last");
    expect(at(4.35)).toEqual(["waits", "behind it", "another", "last"]);
    expect(decoder.batch.rejected).toBe(0);
    expect(tape.isRead).toBe(true);
  });

  test("an event whose parts never came holds nothing up", () => {
    const tape = named();
    tape.pipe({ ...fromAnn, ...toBob, timeLow: 1, thread: 1, count: 9, captured: 9 });
    tape.pipe({ ...fromAnn, ...toBob, timeLow: 2, thread: 2, count: 9, runs: 2 });
    tape.chunk(1, 0, "abc");
    tape.signal({ ...fromAnn, ...toBob, timeLow: 3, number: 1 });
    const decoder = start(tape);
    tape.committed = 4;
    expect(drain(decoder)).toEqual([]);
    // all that was reserved when they were seen is read: their parts would have been among it
    tape.committed = 7;
    const seen = [...drain(decoder), ...drain(decoder)];
    expect(seen.map(({ kind, contents }) => [kind, contents])).toEqual([
      ["pipe", "abc"],
      ["signal", null],
    ]);
    expect(decoder.batch.rejected).toBe(2);
    expect(tape.isRead).toBe(true);
  });

  test("nothing is made after emit said no, until it is asked for", () => {
    const tape = named();
    for (let i = 0; i < 5; i++) tape.signal({ ...fromAnn, ...toBob, number: 1 });
    const { batch } = start(tape);
    let made = 0;
    batch.fill();
    const read = () =>
      batch.read(
        blankEvent(),
        () => {},
        () => ++made % 3 !== 0,
      );
    expect([read(), made, read(), made]).toEqual([false, 3, true, 5]);
  });
});

describe("what can't be right is rejected", () => {
  const types = Object.values(RecordType);
  /** bytes a record has at least */
  const least: Record<number, number> = {
    [RecordType.RECORD_NAME]: NameRecord.size,
    [RecordType.RECORD_PATH]: PathRecord.data.offset,
    [RecordType.RECORD_EVENT]: EventRecord.size,
    [RecordType.RECORD_RUNS]: RunsRecord.run.offset,
    [RecordType.RECORD_CHUNK]: ChunkRecord.data.offset,
    [RecordType.RECORD_USE]: UseRecord.size,
    [RecordType.RECORD_ADDRESS]: AddressRecord.size,
  };

  test("every type that is short", () => {
    for (const type of types) {
      for (let length = 0; length < least[type]!; length++) {
        const tape = new Tape(1 << 14);
        const record = new Uint8Array(least[type]!);
        record[0] = type;
        tape.raw(record.subarray(0, length));
        const decoder = start(tape);
        expect([type, length, drain(decoder).length, decoder.batch.rejected]).toEqual([type, length, 0, 1]);
      }
    }
  });

  test("events that are shorter than their kind's, or of none that is traced", () => {
    for (const [kind, size] of [
      [Kind.KIND_PIPE, pipe.size - 4],
      [Kind.KIND_SIGNAL, signal.size - 4],
      [Kind.KIND_UNKNOWN, 256],
      [16, 256],
      [2 ** 32 - 1, 256],
    ] as const) {
      const tape = new Tape(1 << 14);
      tape.pipe({ kind });
      const short = tape.bytes.slice(0, size);
      const other = new Tape(1 << 14);
      other.raw(short);
      const decoder = start(other);
      expect([kind, drain(decoder).length, decoder.batch.rejected]).toEqual([kind, 0, 1]);
    }
  });

  test("unknown types", () => {
    for (const type of [0, Math.max(...types) + 1, 255, 2 ** 31, 2 ** 32 - 1]) {
      const tape = new Tape(1 << 14);
      const record = new Uint8Array(PipeRecord.size);
      new DataView(record.buffer).setUint32(0, type, true);
      tape.raw(record);
      const decoder = start(tape);
      expect([drain(decoder).length, decoder.batch.rejected]).toEqual([0, 1]);
    }
  });

  test("runs that are fewer than promised: no event rather than a wrong writer", () => {
    const tape = named();
    tape.pipe({ ...fromAnn, ...toBob, thread: 1, count: 6, runs: 3 });
    tape.runs(1, [{ ...ann, bytes: 3 }]);
    tape.signal({ ...fromAnn, ...toBob, number: 1 });
    const decoder = start(tape);
    expect(drain(decoder).map(({ kind }) => kind)).toEqual(["signal"]);
    expect(decoder.batch.rejected).toBe(1);
  });

  test("a chunk out of order ends the contents, never joined across the gap", () => {
    const tape = named();
    tape.pipe({ ...fromAnn, ...toBob, thread: 1, count: 9, captured: 9 });
    tape.chunk(1, 0, "aaa");
    tape.chunk(1, 6, "ccc");
    const decoder = start(tape);
    expect(drain(decoder).map(({ contents }) => contents)).toEqual(["aaa"]);
    expect(decoder.batch.rejected).toBe(1);
  });

  test("a length beyond the record", () => {
    const tape = named();
    const record = new Uint8Array(ChunkRecord.data.offset + 4);
    new Uint32Array(record.buffer).set([RecordType.RECORD_CHUNK, 1, 0, 100]);
    tape.pipe({ ...fromAnn, ...toBob, thread: 1, count: 100, captured: 100 });
    tape.raw(record);
    const decoder = start(tape);
    expect(drain(decoder).map(({ contents }) => contents)).toEqual([""]);
    expect(decoder.batch.rejected).toBe(1);
  });

  test("parts of nobody's event are passed over", () => {
    const tape = named();
    tape.chunk(5, 0, "lost");
    tape.runs(5, [{ ...ann, bytes: 1 }]);
    expect(drain(start(tape))).toEqual([]);
    expect(tape.isRead).toBe(true);
  });

  test("random bytes neither throw nor show what is beyond them", () => {
    const random = generator(20_240_601);
    const mark = 0xee; // fills what no record owns
    for (let round = 0; round < 300; round++) {
      const tape = new Tape(1 << 16);
      tape.bytes.fill(mark);
      let owned = 0;
      while (owned < 30_000) {
        const record = Uint8Array.from({ length: random() % 400 }, () => random() % 8);
        // mostly of a known type, small numbers, few threads: what passes the first checks
        const view = new DataView(record.buffer);
        if (record.length >= 8 && random() % 8 > 0) {
          for (let at = 0; at + 4 <= record.length; at += 4) {
            view.setUint32(at, random() % 3 > 0 ? random() % 5 : random(), true);
          }
          view.setUint32(0, random() % 8, true);
        }
        tape.raw(record);
        owned += record.length + 8;
      }
      const decoder = start(tape);
      for (let drains = 0; drains < 50; drains++) {
        const seen = drain(decoder);
        for (const { contents } of seen)
          expect(contents ?? "").not.toContain(text(Uint8Array.of(mark, mark)));
        if (seen.length === 0) break;
      }
      expect(decoder.batch.rejected).toBeGreaterThan(0);
    }
  });

  test("records of every kind with something wrong in them: no throw, and nothing of what lies beside them", () => {
    const random = generator(20_261_123);
    const mark = 0x7e; // in no record
    const layouts = [NameRecord, PathRecord, UseRecord, AddressRecord, ForkRecord, RunsRecord, ChunkRecord];
    const sizes = new Map<number, number>([
      ...all.map(({ id, size }) => [id, size] as const),
      ...layouts.map((layout, i) => [100 + i, Math.min(layout.size, 600)] as const),
    ]);
    const kindWord = wordOfKind();
    let records = 0;
    for (let round = 0; round < 120; round++) {
      const tape = new Tape(1 << 18);
      tape.bytes.fill(mark);
      for (let n = 0; n < 400; n++, records++) {
        const ids = [...sizes.keys()];
        const id = ids[random() % ids.length]!;
        const record = new Uint8Array(sizes.get(id)!);
        const words = new Uint32Array(record.buffer, 0, record.length >> 2);
        words[0] = id < 100 ? RecordType.RECORD_EVENT : random() % 10;
        words[1] = random() % 3; // few threads: parts find their events
        if (id < 100) words[kindWord] = id;
        // numbers that are small, huge or just wrong; then some are cut
        for (let i = random() % 6; i > 0; i--) {
          const small = random() % 2 === 0;
          words[2 + (random() % (words.length - 2))] = small ? random() % 70 : random();
        }
        for (const [at, byte] of record.entries()) if (byte === mark) record[at] = 0;
        tape.raw(random() % 4 === 0 ? record.subarray(0, random() % (record.length + 1)) : record);
      }
      const decoder = start(tape, { kinds: all, alone: true, maxBytes: random() % 2 === 0 ? 0 : 16 });
      // what waits for parts that never come ends it
      for (let seen = drain(decoder); seen.length > 0; seen = drain(decoder)) {
        for (const { contents } of seen)
          expect(contents ?? "").not.toContain(text(Uint8Array.of(mark, mark)));
      }
      expect(decoder.batch.rejected).toBeGreaterThan(0);
    }
    expect(records).toBe(48_000);
  });
});

/** A reader of signals that is not ready for those of an even number until it is told. */
class Slow implements Reader {
  readonly #inner: Reader;
  readonly #record: SignalRecord;

  constructor(
    tools: Tools,
    private readonly isKnown: () => boolean,
  ) {
    this.#inner = signal.reader(tools);
    this.#record = new SignalRecord(tools.words);
  }

  read(entry: Entry, event: Event, emit: () => boolean): void {
    this.#inner.read(entry, event, emit);
  }

  isReady(at: number): boolean {
    this.#record.at = at;
    return this.isKnown() || this.#record.number % 2 === 1;
  }
}

/** Numbers below 2^32, the same in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9;
    return (state ^ (state >>> 13)) >>> 0;
  };
}

/** Where the kind is in an event_record, in words. */
function wordOfKind(): number {
  return new EventRecord(Uint32Array.from({ length: EventRecord.size / 4 }, (_, i) => i)).kind;
}
