import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { isUnclear } from "../harness/requests.ts";
import { Trace } from "../harness/trace.ts";
import type { Carried, Truth } from "../harness/truth.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(2 * PATIENCE);

const SLEEPERS = 4096;

let trace: Trace;

beforeAll(async () => {
  // all is received at once; a machine that has no time for it makes no guesses of it
  trace = await Trace.start(
    "unix-stream,unix-dgram,unix-seqpacket,loopback-tcp,loopback-udp,pty",
    "--wait=10s",
    "--ring=64M",
  );
}, 2 * PATIENCE);

afterAll(async () => {
  await trace?.stop();
}, 2 * PATIENCE);

/** Whether the `tracing` line says that what goes a way is not seen. */
function isUnseen(type: string, way: string): boolean {
  return way.startsWith("io_submit") && trace.notSeen(type).includes("aio");
}

/** By which ways a message of ways.c is sent and taken, as it says itself. */
function waysOf({ hex }: Carried): [string, string] {
  const words = /: (.*); (.*)$/.exec(Buffer.from(hex, "hex").toString());
  return [words![1]!, words![2]!];
}

/**
 * Leaves of the truth what is owed for it: nothing for what is sent by a way that is announced as not seen. Who receives by
 * such a one may be a guess, or by requests whose order is not known, and so may be all that follows it in its channel;
 * nothing else.
 */
function keepSeen(truth: Truth): { unseen: string[]; guesses: number } {
  const unsure = new Set<string>();
  const unseen: string[] = [];
  let guesses = 0;
  const owed = truth.carried.flatMap((one): Carried[] => {
    const { type } = one;
    const [sent, taken] = waysOf(one);
    const isTakenUnseen = isUnseen(type, taken);
    // of TCP the kernel itself counts what passes
    if (type !== "loopback-tcp" && (isUnseen(type, sent) || isTakenUnseen)) unsure.add(type);
    if (taken.startsWith("io_uring") && isUnclear(trace, type, "<anonymous>")) unsure.add(type);
    if (isUnseen(type, sent)) {
      unseen.push(one.hex);
      return [];
    }
    const mayGuess = isTakenUnseen || unsure.has(type);
    if (mayGuess) guesses++;
    return [{ ...one, guess: mayGuess ? "may" : (one.guess ?? "none") }];
  });
  truth.carried.splice(0, truth.carried.length, ...owed);
  return { unseen, guesses };
}

/** `unix-stream any 17: send; io_submit: cyd` of each message whose taker is named wrong and without a mark. */
function misnamed(truth: Truth): string[] {
  const takers = new Map(truth.carried.map(({ hex, dst }) => [hex, truth.role(dst).pid]));
  return trace.carriedFor(truth).flatMap(({ bytes = "", dst_pid, dst_comm, meta }) => {
    const contents = Buffer.from(bytes, "base64");
    const taker = takers.get(contents.toString("hex")) ?? dst_pid;
    return taker === dst_pid || meta.dst_guess === true ? [] : [`${contents}: ${dst_comm}`];
  });
}

test(`${SLEEPERS} threads of two processes that slept in recv: each has what was sent to it`, async () => {
  using workload = await Workload.staged("sleepers", `${SLEEPERS}`);
  expect(workload.truth.carried.length).toBe(SLEEPERS);
  await workload.proceed();
  await expectCarried(trace, workload.truth);
  await workload.finish();
});

test("every way to send with every way to receive, by two who have one end", async () => {
  using workload = await Workload.staged("ways");
  const { truth } = workload;
  expect(truth.carried.length).toBeGreaterThan(400);
  // older kernels lack requests of io_uring, and can't splice to or from terminals; all else is a way everywhere
  expect(truth.refused.filter((way) => !/: io_uring |^pty: /.test(way))).toEqual([]);
  // at calls nobody tells of requests of io_submit to terminals, and before 6.3 of none
  const isBlind = trace.backend("pty") === "tracepoint";
  expect([trace.tracing.includes("aio"), trace.tracing.includes("io_uring")]).toEqual([isBlind, false]);
  const { unseen, guesses } = keepSeen(truth);
  await trace.untilCarried(truth);
  expect(misnamed(truth)).toEqual([]);
  await expectCarried(trace, truth);
  const shown = new Set(
    trace.carriedFor(truth).map(({ bytes = "" }) => Buffer.from(bytes, "base64").toString("hex")),
  );
  expect(unseen.filter((hex) => shown.has(hex))).toEqual([]);
  expect([unseen.length > 0, guesses > 0]).toEqual([isBlind, isBlind]);
  await workload.finish();
});

test("nothing was lost", async () => {
  await trace.stop();
  expect(trace.lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
});
