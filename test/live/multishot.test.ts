import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { expectMoved } from "../harness/expect.ts";
import { isUnclear } from "../harness/requests.ts";
import { Trace } from "../harness/trace.ts";
import type { Truth } from "../harness/truth.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(2 * PATIENCE);

let trace: Trace;
let early: Workload;

beforeAll(async () => {
  early = await Workload.staged("multishot", "early");
  trace = await Trace.start(
    "pipe,unix-stream,unix-dgram,unix-seqpacket,loopback-tcp,loopback-udp,pty",
    "--wait=2s",
  );
}, 2 * PATIENCE);

afterAll(async () => {
  early?.[Symbol.dispose]();
  await trace?.stop();
}, 2 * PATIENCE);

/** All of it, but for what is said to be not seen of pipes. */
async function compared(truth: Truth): Promise<void> {
  await expectCarried(trace, truth);
  if (trace.capabilities("pipe").uring) await expectMoved(trace, truth);
  else expect(trace.notSeen("pipe")).toContain("io_uring");
}

/** Of a datagram over UDP nobody can say which of the two takes it. */
function guessed(truth: Truth): string[] {
  return trace
    .carriedFor(truth)
    .filter(({ type, meta }) => type !== "loopback-udp" && meta.dst_guess === true)
    .filter(({ type, meta }) => !isUnclear(trace, type, String(meta.path ?? "")))
    .map(({ type, dst_comm, bytes = "" }) => `${type} ${dst_comm}: ${Buffer.from(bytes, "base64")}`);
}

describe("each completion of a request that stays is a receive, of two who have the end", () => {
  test("by recv, recvmsg, read, accept, and read when it polls", async () => {
    using workload = await Workload.staged("multishot");
    expect(workload.truth.carried.length).toBe(178);
    await compared(workload.truth);
    expect(guessed(workload.truth)).toEqual([]);
    await workload.finish();
  });

  test("the first are under way since before tracing", async () => {
    await early.proceed();
    await compared(early.truth);
    await early.finish();
  });
});
