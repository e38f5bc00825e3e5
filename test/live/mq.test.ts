import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { Trace } from "../harness/trace.ts";
import { run, Workload } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

let trace: Trace;
let early: Workload;
let awaited: Workload;

beforeAll(async () => {
  early = await Workload.staged("mq", "early");
  awaited = await Workload.staged("mq", "awaited");
  trace = await Trace.start("mq");
}, 2 * PATIENCE);

afterAll(async () => {
  early?.[Symbol.dispose]();
  awaited?.[Symbol.dispose]();
  await trace?.stop();
}, 2 * PATIENCE);

/** A test that runs a mode of mq.c and compares all messages between its processes. */
function takes(name: string, mode: string): void {
  test(name, async () => expectCarried(trace, await run("mq", mode)));
}

describe("mq", () => {
  takes("messages in their order, an empty one, one to oneself", "plain");
  takes("the highest priority first", "priorities");
  takes("the priority is told of, also to a receiver that does not ask", "unasked");
  takes("a sender that waits for room", "full");
  takes("a receiver that waits", "waiting");
  takes("two receivers that wait: who took it, or a mark", "readers");
  takes("mq_notify is no event", "notified");
  takes("timeouts and refused calls take nothing", "refused");
  takes("as large as can be", "large");
  takes("what bad memory could not take is gone, and a call that a filter answers takes nothing", "feigned");
  takes("a receiver whose descriptor becomes another's meanwhile", "swapped");

  test("messages from before tracing are nobody's", async () => {
    await expectCarried(trace, await early.finish());
  });

  test("two receivers that wait since before tracing", async () => {
    await expectCarried(trace, await awaited.finish());
  });

  test("what nobody took is listed at the end", async () => {
    using own = await Trace.start("mq");
    using workload = await Workload.staged("mq", "left");
    await own.settle();
    const said = await own.stop();
    const { ann, bob } = Object.fromEntries(workload.truth.roles);
    const senders = `${ann?.pid}(ann), ${bob?.pid}(bob)`;
    expect(said.filter((line) => line.startsWith("unread: mq "))).toEqual([
      expect.stringMatching(
        new RegExp(
          `^unread: mq /ipcdump-\\d+: 2 messages, 17 bytes from ${senders.replace(/[()]/g, "\\$&")}$`,
        ),
      ),
    ]);
  });

  test("nothing was lost", async () => {
    await trace.stop();
    expect(trace.lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
  });
});
