import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { EventFlags, RunFlags } from "../../src/layout.ts";
import { ann, cyd, drain, fromAnn, named, start, toBob } from "./drained.ts";
import { Tape } from "./tape.ts";

/** A machine may have a lot else to do. */
setDefaultTimeout(30_000);

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
