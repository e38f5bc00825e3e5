import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { Trace } from "../harness/trace.ts";
import { run, Workload } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

let trace: Trace;
let early: Workload;

beforeAll(async () => {
  early = await Workload.staged("sysv_mq", "early");
  trace = await Trace.start("sysv-mq");
}, 2 * PATIENCE);

afterAll(async () => {
  early?.[Symbol.dispose]();
  await trace?.stop();
}, 2 * PATIENCE);

/** A test that runs a mode of sysv_mq.c and compares all messages between its processes. */
function takes(name: string, mode: string): void {
  test(name, async () => expectCarried(trace, await run("sysv_mq", mode)));
}

describe("sysv-mq", () => {
  takes("messages in their order, an empty one, one to oneself", "plain");
  takes("by type, up to a type, all but a type", "types");
  takes("what MSG_NOERROR cuts is gone", "cut");
  takes("MSG_COPY takes nothing", "copied");
  takes("IPC_NOWAIT and refused calls take nothing", "refused");
  takes("a sender that waits for room", "full");
  takes("by ipc(2), as 32-bit programs call it", "narrow");
  takes("what bad memory could not take is gone", "lost");
  takes("queues of one id in two namespaces", "spaces");
  takes("two receivers that wait: who took it, or a mark", "readers");

  test("messages from before tracing are nobody's", async () => {
    await expectCarried(trace, await early.finish());
  });

  test("what nobody took is listed at the end", async () => {
    using own = await Trace.start("sysv-mq");
    using workload = await Workload.staged("sysv_mq", "left");
    await own.settle();
    const said = await own.stop();
    await workload.finish();
    const [ann, bob] = ["ann", "bob"].map((name) => workload.truth.role(name).pid);
    const lines = said
      .filter((line) => line.startsWith("unread: sysv-mq "))
      .map((line) => line.replace(/\d+/, "ID"));
    expect(lines).toEqual([`unread: sysv-mq ID: 2 messages, 17 bytes from ${ann}(ann), ${bob}(bob)`]);
  });

  test("nothing was lost", async () => {
    await trace.stop();
    expect(trace.lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
  });
});
