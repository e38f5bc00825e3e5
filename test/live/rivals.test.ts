import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { inVm } from "../harness/programs.ts";
import { isUnclear } from "../harness/requests.ts";
import { Trace } from "../harness/trace.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(2 * PATIENCE);

const channels = 5;
const messages = Number(process.env.IPCDUMP_RIVALS ?? (inVm ? 100 : 500));
const looked = 6;
/** of a message, in bytes */
const size = 8;

let trace: Trace;

beforeAll(async () => {
  // a machine that has no time for what was received makes no guesses of it
  const flags = ["--wait=2s", "--ring=64M"];
  trace = await Trace.start("unix-stream,unix-dgram,unix-seqpacket,loopback-tcp", ...flags);
}, 2 * PATIENCE);

afterAll(async () => {
  await trace?.stop();
}, 2 * PATIENCE);

interface Told {
  message: string;
  to: string;
  isGuess: boolean;
  isUnclear: boolean;
}

/** A message is another one in each channel, and of no other workload. */
function told(type: string, path: unknown, bytes: Buffer, to: string, isGuess: boolean): Told {
  const where = String(path ?? "");
  return { message: `${type} ${where} ${bytes}`, to, isGuess, isUnclear: isUnclear(trace, type, where) };
}

function inOrder(list: Told[]): Told[] {
  return list.sort((a, b) => (a.message < b.message ? -1 : 1));
}

/** Every message is told once, and of whom it is not said that he is a guess received it. */
async function compare(workload: Workload, count: number): Promise<Told[]> {
  const { truth } = workload;
  await trace.untilCarried(truth);
  await trace.settle();
  const expected = inOrder(
    truth.carried.map(({ type, meta, hex, dst }) =>
      told(type, meta.path, Buffer.from(hex, "hex"), dst, false),
    ),
  );
  const ann = truth.role("ann").pid;
  const seen = inOrder(
    trace
      .carriedFor(truth)
      .map((event) => ({ ...event, contents: Buffer.from(event.bytes ?? "", "base64") }))
      // a socket's number may have been another's before
      .filter(({ src_pid, contents }) => src_pid === ann && contents.length === size)
      .map(({ type, meta, contents, dst_comm }) =>
        told(type, meta.path, contents, dst_comm, meta.dst_guess === true),
      ),
  );
  expect(expected.length).toBe(channels * count);
  expect(seen.map(({ message }) => message)).toEqual(expected.map(({ message }) => message));
  const sure = seen.map((one, i) => ({ ...one, right: expected[i]!.to })).filter(({ isGuess }) => !isGuess);
  expect(sure.filter(({ to, right }) => to !== right)).toEqual([]);
  expect(seen.filter(({ isGuess, isUnclear }) => isGuess && !isUnclear)).toEqual([]);
  return seen;
}

test("of what one alone receives by requests he is no guess, though another has the end, too", async () => {
  using workload = await Workload.staged("rivals", "alone", `${messages}`);
  const seen = await compare(workload, messages);
  expect(seen.filter(({ message, isGuess }) => isGuess && message.startsWith("unix-stream"))).toEqual([]);
  await workload.finish();
});

describe("of two who receive from one end at once each has his own, or that is marked as a guess", () => {
  test.each(["calls", "whole", "requests", "mixed", "shots"])("by %s", async (way) => {
    using workload = await Workload.staged("rivals", way, `${messages}`);
    await compare(workload, messages);
    await workload.finish();
  });
});

test("who only looks by a request has received nothing", async () => {
  using workload = await Workload.staged("rivals", "looks");
  await compare(workload, looked);
  await workload.finish();
});
