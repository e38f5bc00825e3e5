import { expect, setDefaultTimeout, test } from "bun:test";
import { QueuePhase } from "../../src/layout.ts";
import { ann, bob, cyd, drain, fromAnn, queues, start, toBob } from "./drained.ts";
import { Tape } from "./tape.ts";

/** A machine may have a lot else to do. */
setDefaultTimeout(60_000);

const kinds = [queues];
/** of a receiver that is told of no type */
const unasked = { messageTypeLow: 0xffff_ffff, messageTypeHigh: 0xffff_ffff };
let time = 0;

function named(size?: number): Tape {
  const tape = new Tape(size);
  for (const [who, comm] of [
    [ann, "ann"],
    [bob, "bob"],
    [cyd, "cyd"],
  ] as const)
    tape.name(who, comm);
  return tape;
}

/** A whole call that sends to a queue, seen by entry and return. */
function sends(tape: Tape, queueLow: number, who = ann, left = 1): void {
  const call = { thread: who.tgid, srcTgid: who.tgid, srcTag: who.tag, queueLow, id: queueLow, count: 4 };
  tape.queue({ ...call, timeLow: ++time, phase: QueuePhase.QUEUE_SENDS, left: left - 1 });
  tape.queue({ ...call, timeLow: ++time, phase: QueuePhase.QUEUE_HAS_SENT, left });
}

function receives(tape: Tape, queueLow: number, left = 0): void {
  const call = { thread: bob.tgid, ...toBob, queueLow, id: queueLow, count: 4, ...unasked };
  tape.queue({ ...call, timeLow: ++time, phase: QueuePhase.QUEUE_RECEIVES, left: left + 1 });
  tape.queue({ ...call, timeLow: ++time, phase: QueuePhase.QUEUE_RECEIVED, left });
}

test("a record that is read once more, for nobody took its event's line yet, takes one message", () => {
  const tape = named();
  for (const [i, who] of [ann, cyd, ann, cyd].entries()) sends(tape, 7, who, i + 1);
  for (let left = 3; left >= 0; left--) receives(tape, 7, left);
  const seen = drain(start(tape, { kinds }), undefined, 1);
  expect(seen.map(({ src }) => src)).toEqual(["100(ann)", "300(cyd)", "100(ann)", "300(cyd)"]);
});

test("more messages than are remembered: who sent the first is not known, and nobody is named for them", () => {
  const tape = named(1 << 25);
  const more = 100;
  const drains = start(tape, { kinds });
  for (let i = 0; i < 32_768 + more; i++) sends(tape, 7, i < more ? cyd : ann, i + 1);
  while (!tape.isRead) drain(drains);
  for (let i = 0; i <= more; i++) receives(tape, 7, 32_768 + more - 1 - i);
  const seen = drain(drains).map(({ src }) => src);
  expect(drains.batch.forgotten).toBe(more);
  expect(seen.slice(0, more)).toEqual(Array.from({ length: more }, () => "-1(?)"));
  expect(seen[more]).toMatch(/^100\(ann\)/);
});

test("where functions tell of messages, likewise", () => {
  const tape = named(1 << 25);
  const drains = start(tape, { kinds });
  const message = (i: number) => ({ messageLow: i * 64, messageHigh: 1, queueLow: 7, id: 7, count: 4 });
  for (let i = 0; i < 32_769; i++)
    tape.queue({ ...message(i), ...fromAnn, timeLow: ++time, phase: QueuePhase.QUEUE_SENT });
  while (!tape.isRead) drain(drains);
  for (const i of [0, 1])
    tape.queue({ ...message(i), ...toBob, timeLow: ++time, phase: QueuePhase.QUEUE_TAKEN });
  expect(drain(drains).map(({ src }) => src)).toEqual(["-1(?)", "100(ann)"]);
  expect(drains.batch.forgotten).toBe(1);
});

test("queues come and go: those that are empty make room, what is in the others stays known", () => {
  const tape = named(1 << 25);
  const drains = start(tape, { kinds });
  sends(tape, 1, cyd);
  for (let queue = 2; queue < 6000; queue++) {
    sends(tape, queue);
    receives(tape, queue);
  }
  receives(tape, 1);
  const seen: string[] = [];
  while (!tape.isRead) seen.push(...drain(drains).map(({ src }) => src));
  expect(seen).toHaveLength(5999);
  expect(seen.at(-1)).toBe("300(cyd)");
  expect(drains.batch.forgotten).toBe(0);
});
