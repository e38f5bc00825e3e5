import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { Trace } from "../harness/trace.ts";
import type { Truth } from "../harness/truth.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(2 * PATIENCE);

const MESSAGES = 22_500;

let trace: Trace;

beforeAll(async () => {
  // all is received at once; a machine that has no time for it makes no guesses of it
  trace = await Trace.start(
    "unix-stream,unix-dgram,unix-seqpacket,loopback-tcp,loopback-udp",
    "--wait=10s",
    "--ring=64M",
  );
}, 2 * PATIENCE);

afterAll(async () => {
  await trace?.stop();
}, 2 * PATIENCE);

/**
 * Where threads may race unseen which of a socket's two receivers it was is not compared, only that it was one. UDP does
 * not tell, which the event has to say.
 */
function receiver(type: string, name: string | undefined, isGuess = true): string | undefined {
  if (type === "loopback-udp" && isGuess) return "a guess";
  return trace.notSeen(type).includes("racing threads") ? name?.replace(/^(taker-\d)-\d$/, "$1") : name;
}

/** `unix-stream 00000 00002 000000000017: sender-0-2 > taker-0-1`, each as often as it was told, in one order. */
function told(truth: Truth): string[] {
  const names = new Map([...truth.roles.values()].map(({ pid, comm }) => [pid, comm]));
  return trace.events
    .filter(({ src_pid, dst_pid }) => names.has(src_pid) || names.has(dst_pid))
    .map(({ type, src_pid, dst_pid, meta, bytes = "" }) => {
      const isGuess = meta.dst_guess === true;
      const ends = `${names.get(src_pid)} > ${receiver(type, names.get(dst_pid), isGuess)}`;
      return `${type} ${Buffer.from(bytes, "base64")}: ${ends}`;
    })
    .sort();
}

function expected(truth: Truth): string[] {
  return truth.carried
    .map(({ type, src, dst, hex }) => `${type} ${Buffer.from(hex, "hex")}: ${src} > ${receiver(type, dst)}`)
    .sort();
}

// a pipe filled by many in turns forgets who wrote
describe(`${MESSAGES} messages of fifteen who send and ten who receive at once`, () => {
  test.each(["first", "second"])("the %s time: none is missing, twice or wrong", async () => {
    using workload = await Workload.staged("crowded");
    await workload.proceed();
    await trace.settle();
    const { truth } = workload;
    const wanted = expected(truth);
    expect(wanted.length).toBe(MESSAGES);
    const seen = told(truth);
    const wantedOnes = new Set(wanted);
    // a failure's text has those that differ, not all of them
    expect(seen.filter((line) => !wantedOnes.has(line))).toEqual([]);
    const seenOnes = new Set(seen);
    expect(wanted.filter((line) => !seenOnes.has(line))).toEqual([]);
    expect(seen.length).toBe(MESSAGES);
    await workload.finish();
  });
});

test("nothing was lost", async () => {
  await trace.stop();
  expect(trace.lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
});
