import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { blankEvent, type Event } from "../../src/event.ts";
import type { Entry, KindModule, Reader, Tools } from "../../src/kinds/kind.ts";
import { SignalRecord } from "../../src/layout.ts";
import { ann, cyd, drain, fromAnn, named, pipe, type Seen, signal, start, toBob } from "./drained.ts";
import { Tape } from "./tape.ts";

/** A machine may have a lot else to do. */
setDefaultTimeout(30_000);

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
