import { expect, setDefaultTimeout, test } from "bun:test";
import type { Lost } from "../../src/event.ts";
import { Ending } from "../../src/trace/ending.ts";
import { Loop, type Stages } from "../../src/trace/loop.ts";
import { Fake } from "./pages.ts";

setDefaultTimeout(30_000);

/** A loop over a ring of which one word is an event each; `read` are those, `lost` what was lost. */
function looping(fake: Fake) {
  const { ring } = fake;
  const [read, lost]: [number[], Lost[]] = [[], []];
  const nothing = () => {};
  const stages = {
    ring,
    shared: { awake: 0 },
    clock: { sample: nothing, now: nothing, bootSeconds: 0 },
    batch: {
      fill: () => {
        const before = read.length;
        read.push(...fake.read());
        return read.length - before;
      },
      read: () => true,
      release: () => ring.release(ring.cursor),
      get settled() {
        return ring.cursor;
      },
    },
    waiting: { hold: nothing },
    receivers: { sweep: nothing },
    followers: null,
    stage: null,
    format: { lost: (loss: Lost) => void lost.push({ ...loss }) },
    sink: { flush: () => "done", stop: nothing, readerGone: () => false, output: {} },
    losses: {
      poll: nothing,
      pollMisses: nothing,
      tell(loss: Lost, kind: Lost["kind"], count: number, reason: Lost["reason"], report: () => void) {
        Object.assign(loss, { kind, count, reason });
        report();
      },
    },
    ledgers: { sweep: nothing },
    summary: null,
  } as unknown as Stages;
  const ending = new Ending({ child: null, count: 0, duration: 0 });
  return { loop: new Loop(stages, ending, true, nothing), ending, read, lost };
}

test("what lies behind a record that is being written when the end comes is read once that is submitted", async () => {
  const fake = new Fake();
  fake.reserve(1, 0);
  const second = fake.reserve(2);
  fake.reserve(3, 0);
  const { loop, ending, read, lost } = looping(fake);
  ending.request("SIGTERM");
  setTimeout(() => fake.submit(second), 100);
  await loop.run();
  expect([read, lost]).toEqual([[1, 2, 3], []]);
});

test("one that nobody submits is counted as lost, what lies behind it is not, and its room stays", async () => {
  const fake = new Fake();
  fake.reserve(1, 0);
  const second = fake.reserve(2);
  fake.reserve(3, 0);
  const third = fake.reserve(4);
  fake.reserve(5, 0);
  const { loop, ending, read, lost } = looping(fake);
  ending.request("SIGTERM");
  await loop.run();
  expect(read).toEqual([1, 3, 5]);
  const one = { kind: "unknown", count: 1, reason: "fault", time: expect.anything() };
  expect(lost).toEqual([one, one] as Lost[]);
  expect(third).toBeGreaterThan(second);
  expect(fake.consumed).toBe(second);
});
