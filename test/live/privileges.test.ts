import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { expectMoved } from "../harness/expect.ts";
import { EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import { CAPABILITIES } from "../harness/privileges.ts";
import { programPath } from "../harness/programs.ts";
import { Trace } from "../harness/trace.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

/** The command that starts ipcdump as nobody with what is enough but for these. */
async function without(...missing: string[]): Promise<string[]> {
  const kept = Object.entries(CAPABILITIES).filter(([name]) => !missing.includes(name));
  return [await programPath("with"), kept.map(([, number]) => number).join(), EXECUTABLE];
}

async function refused(...missing: string[]): Promise<string[]> {
  using ipcdump = new Ipcdump(["-t", "pipe"], { command: await without(...missing) });
  expect(await ipcdump.ended()).toBe(1);
  expect(ipcdump.stdout).toEqual([]);
  return ipcdump.stderr;
}

describe("privileges", () => {
  test("CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE are enough", async () => {
    const trace = await Trace.startBy(await without(), "pipe,signal");
    await expectMoved(trace, await run("pipe", "runs"));
    await trace.stop();
  });

  test("what is missing is named", async () => {
    expect(await refused("CAP_PERFMON")).toEqual([
      "ipcdump: tracing needs CAP_PERFMON as well; try: sudo ipcdump -t pipe",
    ]);
    expect(await refused("CAP_BPF")).toEqual([
      "ipcdump: tracing needs CAP_BPF as well; try: sudo ipcdump -t pipe",
    ]);
    expect(await refused("CAP_PERFMON", "CAP_SYS_PTRACE")).toEqual([
      "ipcdump: tracing needs CAP_PERFMON and CAP_SYS_PTRACE as well; try: sudo ipcdump -t pipe",
    ]);
  });

  test("without CAP_SYS_PTRACE it traces and says what that costs", async () => {
    using ipcdump = await Ipcdump.tracing(["-t", "pipe"], {
      command: await without("CAP_SYS_PTRACE"),
    });
    expect(ipcdump.stderr.join("\n")).toContain("without CAP_SYS_PTRACE: ");
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
  });
});
