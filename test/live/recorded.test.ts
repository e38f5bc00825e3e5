/** Every kind, through a recording that is read while it is written: what -r shows is what happened. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { expectMoved, expectSent } from "../harness/expect.ts";
import { EXECUTABLE } from "../harness/ipcdump.ts";
import { Trace } from "../harness/trace.ts";
import { run, Workload } from "../harness/workload.ts";

setDefaultTimeout(2 * PATIENCE);

const kinds = [
  ...["pipe", "signal", "unix-stream", "unix-dgram", "unix-seqpacket"],
  ...["loopback-tcp", "loopback-udp", "pty", "mq", "sysv-mq"],
];
const folder = mkdtempSync(join(tmpdir(), "ipcdump-recorded-"));

/** Traces as it is told to, but into a FIFO, and shows what is read there. Its own reader is no part of it. */
const through = `mkfifo "$1"
  "$0" -r "$1" -q -f json -x &
  fifo=$1 && shift
  exec "$0" "$@" -f pcapng -o "$fifo" --not-pid $! > /dev/null`;

let trace: Trace;

beforeAll(async () => {
  const command = ["sh", "-c", through, EXECUTABLE, join(folder, "fifo")];
  // whoever else is busy here is left out
  trace = await Trace.startBy(command, kinds.join(","), "-p", `${process.pid}`, "--follow");
});

afterAll(async () => {
  await trace?.stop();
  expect(trace?.lost).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

test("pipes, signals, sockets and terminals", async () => {
  using workload = await Workload.staged("mixed");
  const { truth } = workload;
  await expectMoved(trace, truth);
  await expectSent(trace, truth);
  await expectCarried(trace, truth);
  const types = new Set(truth.carried.map(({ type }) => type));
  expect([truth.moved.length > 0, truth.sent.length > 0, types.size]).toEqual([true, true, 6]);
});

test("names with quotes, backslashes, escapes and line feeds", async () => {
  await expectMoved(trace, await run("name", "odd"));
});

test.each([
  ["mq", "plain"],
  ["sysv_mq", "plain"],
])("messages of queues: %s %s", async (program, mode) => {
  await expectCarried(trace, await run(program, mode));
});

test("FIFOs of such names", async () => {
  await expectMoved(trace, await run("fifo", "odd", folder));
});

test.each(["stream", "dgram"])("200,000 bytes at once, in several packets: %s", async (type) => {
  using workload = await Workload.staged("unix", "large", type, folder);
  await expectCarried(trace, workload.truth);
});
