import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { inVm } from "../harness/programs.ts";
import { play } from "../harness/random.ts";
import { NOBODY, Trace } from "../harness/trace.ts";
import { Verdict } from "../harness/verdict.ts";

setDefaultTimeout(3 * PATIENCE);

/** operations after one, for what waits to be received */
const AFTERMATH = 10;
const KINDS = "pipe,unix-stream,unix-dgram,unix-seqpacket,loopback-tcp,loopback-udp,pty";

/** `1,2,5-9` */
function numbers(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const [from = 0, to = from] = part.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

const SEEDS = numbers(process.env.IPCDUMP_SEEDS ?? (inVm ? "1" : "1,2,4"));
const OPERATIONS = Number(process.env.IPCDUMP_OPERATIONS ?? (inVm ? 500 : 2000));

let trace: Trace;

beforeAll(async () => {
  // others' events would only make it slow; whom it names as destination is not restricted
  trace = await Trace.start(KINDS, "-S", "r[0-9]*.[0-9]*,kid,marker", "--ring", "16M");
}, 2 * PATIENCE);

afterAll(async () => {
  await trace?.stop();
}, 2 * PATIENCE);

test.each(SEEDS)("what random processes say they received, seed %d", async (seed) => {
  const played = await play(seed, OPERATIONS);
  expect(played.messages.size).toBeGreaterThan(OPERATIONS / 2);
  await trace.settle(NOBODY);
  const { wrong, missing } = new Verdict(played, trace.events.splice(0), {
    writers: !trace.capabilities("pipe").overlappingWriters,
    // the kernel tells of messages, and of sockets that get them, since 6.3
    datagrams: trace.backend("unix-dgram") === "tracepoint" && trace.notSeen("unix-dgram").includes("aio"),
  });
  const lost = trace.lost.splice(0).reduce((sum, { count }) => sum + count, 0);
  const faults = [...wrong, ...(missing.length > lost ? missing : [])];
  if (faults.length === 0) return;
  const first = Math.min(...faults.map(({ operation }) => operation));
  const operations = Math.min(OPERATIONS, first + AFTERMATH);
  throw new Error(
    [
      `${wrong.length} wrong, ${missing.length} missing of ${played.messages.size} messages; ${lost} lost`,
      ...faults.slice(0, 20).map(({ text }) => text),
      `again: IPCDUMP_SEEDS=${seed} IPCDUMP_OPERATIONS=${operations} node_modules/.bin/bun test test/live/random.test.ts`,
    ].join("\n"),
  );
});
