import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { Trace } from "../harness/trace.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(2 * PATIENCE);

/** seconds: until somebody is gone, however busy the machine is */
const WAIT = 2;

test("who was never seen using a socket is no guess, though somebody has very many descriptors", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-holders-"));
  const script = `
    const { openSync } = await import("node:fs");
    for (let i = 0; i < 17000; i++) openSync("/dev/null", "r");
    console.log("full");`;
  const crowded = Bun.spawn(
    ["sh", "-c", 'ulimit -n 20000; exec "$@"', "sh", process.execPath, "-e", script],
    {
      stdout: "pipe",
    },
  );
  try {
    await crowded.stdout.getReader().read();
    using workload = await Workload.start("owner", "two_children", "early", folder);
    await workload.untilWaiting();
    using trace = await Trace.start("unix-stream", "-v");
    await workload.proceed();
    await expectCarried(trace, workload.truth);
    const said = await trace.stop();
    expect(said).toContain("unix-stream: holders_open by iterator at task_file");
    expect(said.filter((line) => / has \d+ descriptors/.test(line))).toEqual([]);
  } finally {
    crowded.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each([
  ["unix-stream", "owner", "rights_shelved"],
  ["loopback-tcp", "tcp", "shelved"],
])(
  "who alone could receive it has passed its end on and has it no longer: %s",
  async (kind, program, mode) => {
    using trace = await Trace.start(kind, "--wait", `${WAIT}s`);
    using workload = await Workload.staged(program, mode);
    await trace.settle();
    await workload.proceed();
    await expectCarried(trace, workload.truth);
    await trace.stop();
  },
);
