import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { Trace } from "../harness/trace.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

let trace: Trace;

beforeAll(async () => {
  // all is received at once; a machine that has no time for it makes no guesses of it
  trace = await Trace.start("loopback-tcp,loopback-udp", "--wait=5s");
}, 2 * PATIENCE);

afterAll(async () => {
  await trace?.stop();
}, 2 * PATIENCE);

/** Needs nft and ip, and routes of its own. */
test.each([
  [
    "redirected",
    "redirected to a proxy, as a sidecar does it: both ends, and what the receiver has otherwise",
  ],
  ["to_group", "sent to a group without a source address: it is what recvfrom says"],
])("%s: %s", async (mode) => {
  using workload = await Workload.staged("sends", mode);
  await expectCarried(trace, workload.truth);
});

test("nothing was lost", async () => {
  await trace.stop();
  expect(trace.lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
});
