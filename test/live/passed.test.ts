/** Descriptors that messages over unix sockets carry, compared with what both ends have. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE } from "../harness/ipcdump.ts";
import { programPath } from "../harness/programs.ts";
import { NOBODY, Trace, type TraceEvent } from "../harness/trace.ts";

setDefaultTimeout(2 * PATIENCE);

/** A line of test/programs/passed.c. */
interface SaidPassing {
  src: number;
  dst: number;
  fds: { fd: number; what: string; path?: string; dst_fd?: number }[];
}

const KINDS = "unix-stream,unix-dgram,unix-seqpacket";
const types = ["stream", "dgram", "seqpacket"];
let folder: string;
let trace: Trace;
/** How many messages each sender has sent. */
const sent = new Map<number, number>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-passed-"));
  // all is received at once; a machine that has no time for it makes no guesses of it
  trace = await Trace.start(KINDS, "--wait=5s");
}, 2 * PATIENCE);

afterAll(async () => {
  await trace?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 2 * PATIENCE);

/** What a process was seen to send, in its order: what goes other ways may be printed in another one. */
function sentBy(trace: Trace, pid: number): TraceEvent[] {
  return trace.events
    .filter(({ src_pid, meta }) => src_pid === pid && meta.count === 1)
    .sort((one, other) => one.time.localeCompare(other.time));
}

async function passed(type: string, how: string): Promise<SaidPassing[]> {
  const words = [await programPath("passed"), type, how, folder];
  const { stdout, stderr, exitCode } = Bun.spawnSync(words, { stdin: "ignore", stderr: "pipe" });
  expect([stderr.toString(), exitCode]).toEqual(["", 0]);
  return stdout
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const cases = types.flatMap((type) =>
  ["each", "many", "few", "several", "gathered", "rings", "crossed", "peeked"].map(
    (how): [string, string] => [type, how],
  ),
);
test.each(cases)("%s: %s", async (type, how) => {
  const said = await passed(type, how);
  const [{ src, dst }] = said as [SaidPassing];
  await trace.settle();
  await trace.untilSent(src, said.length);
  sent.set(src, said.length);
  const told = sentBy(trace, src).map(({ type, dst_pid, meta }) => ({
    type,
    dst_pid,
    count: meta.count,
    fds: meta.fds as unknown as SaidPassing["fds"],
  }));
  const wanted = said.map(({ fds }) => ({ type: `unix-${type}`, dst_pid: dst, count: 1, fds }));
  expect(told).toEqual(wanted);
});

test("at the end, nothing came late that was not there", async () => {
  await trace.stop();
  for (const [pid, count] of sent) expect(sentBy(trace, pid)).toHaveLength(count);
});

// what nobody receives has the others' trace wait; the two of them would see each other's lines
test("kept", async () => {
  using brief = await Trace.start(KINDS);
  for (const type of types) {
    const said = await passed(type, "kept");
    await brief.settle(NOBODY);
    const [{ src, fds }] = said as [SaidPassing];
    // for whom it is is a guess, which others have tests for
    const told = sentBy(brief, src).map(({ type, meta }) => ({ type, count: meta.count, fds: meta.fds }));
    expect<unknown>(told).toEqual([{ type: `unix-${type}`, count: 1, fds }]);
  }
  await brief.stop();
});

test("in text, and read back from a recording", async () => {
  const recording = join(folder, "recording");
  const program = await programPath("passed");
  const { stdout } = Bun.spawnSync(
    [EXECUTABLE, "-q", "-t", "unix", "--backend", BACKEND, "-f", "pcapng", "-o", recording].concat([
      "--",
      program,
      "seqpacket",
      "each",
      folder,
    ]),
    { stdin: "ignore", stderr: "ignore" },
  );
  const said: SaidPassing = JSON.parse(stdout.toString());
  const read = (...words: string[]) => {
    const { stdout, stderr } = Bun.spawnSync([EXECUTABLE, "-q", "-r", recording, ...words]);
    expect(stderr.toString()).toBe("");
    // what the program says may go over a socket, too
    return stdout
      .toString()
      .split("\n")
      .find((line) => line.includes("fds"))!;
  };
  const { meta } = JSON.parse(read("-f", "json"));
  expect(meta.fds).toEqual(said.fds);
  const words = `${folder}/bound, socket, pipe, ${folder}/fifo, /dev/zero, ${folder}/a\\x2c b\\x29, ${folder}, eventfd, memfd`;
  expect(read()).toEndWith(`, fds 9 (${words})`);
});
