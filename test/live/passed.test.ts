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

const types = ["stream", "dgram", "seqpacket"];
let folder: string;
let trace: Trace;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-passed-"));
  trace = await Trace.start("unix-stream,unix-dgram,unix-seqpacket");
}, 2 * PATIENCE);

afterAll(async () => {
  await trace?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 2 * PATIENCE);

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
  ["each", "many", "few", "kept", "several", "gathered", "rings", "crossed", "peeked"].map(
    (how): [string, string] => [type, how],
  ),
);
test.each(cases)("%s: %s", async (type, how) => {
  const said = await passed(type, how);
  await trace.settle(how === "kept" ? NOBODY : undefined);
  const [{ src, dst }] = said as [SaidPassing];
  // what goes other ways may be printed in another order
  const events = trace.events
    .filter(({ src_pid, meta }) => src_pid === src && meta.count === 1)
    .sort((one, other) => one.time.localeCompare(other.time));
  const told = events.map(({ type, dst_pid, meta }: TraceEvent) => ({
    type,
    // of what nobody receives it is a guess, which others have tests for
    dst_pid: how === "kept" ? dst : dst_pid,
    count: meta.count,
    fds: meta.fds as unknown as SaidPassing["fds"],
  }));
  const wanted = said.map(({ fds }) => ({ type: `unix-${type}`, dst_pid: dst, count: 1, fds }));
  expect(told).toEqual(wanted);
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
