import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { expectMoved } from "../harness/expect.ts";
import { EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import { programPath } from "../harness/programs.ts";
import { Trace } from "../harness/trace.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

const numbers = { CAP_SYS_PTRACE: 19, CAP_PERFMON: 38, CAP_BPF: 39 };
type Capability = keyof typeof numbers;

/** The command that starts ipcdump as nobody with these capabilities alone. */
async function having(...capabilities: Capability[]): Promise<string[]> {
  return [await programPath("with"), capabilities.map((name) => numbers[name]).join(), EXECUTABLE];
}

async function refused(...capabilities: Capability[]): Promise<string[]> {
  using ipcdump = new Ipcdump(["-t", "pipe"], { command: await having(...capabilities) });
  expect(await ipcdump.ended()).toBe(1);
  expect(ipcdump.stdout).toEqual([]);
  return ipcdump.stderr;
}

describe("privileges", () => {
  test("CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE are enough", async () => {
    const trace = await Trace.startBy(
      await having("CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"),
      "pipe,signal",
    );
    await expectMoved(trace, await run("pipe", "runs"));
    await trace.stop();
  });

  test("what is missing is named", async () => {
    expect(await refused("CAP_BPF", "CAP_SYS_PTRACE")).toEqual([
      "ipcdump: tracing needs CAP_PERFMON as well; try: sudo ipcdump -t pipe",
    ]);
    expect(await refused("CAP_PERFMON", "CAP_SYS_PTRACE")).toEqual([
      "ipcdump: tracing needs CAP_BPF as well; try: sudo ipcdump -t pipe",
    ]);
    expect(await refused("CAP_BPF")).toEqual([
      "ipcdump: tracing needs CAP_PERFMON and CAP_SYS_PTRACE as well; try: sudo ipcdump -t pipe",
    ]);
  });

  test("without CAP_SYS_PTRACE it traces and says what that costs", async () => {
    using ipcdump = await Ipcdump.tracing(["-t", "pipe"], {
      command: await having("CAP_BPF", "CAP_PERFMON"),
    });
    expect(ipcdump.stderr.join("\n")).toContain("without CAP_SYS_PTRACE: ");
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
  });
});
