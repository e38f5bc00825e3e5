import { expect, setDefaultTimeout, test } from "bun:test";
import { kinds } from "../../src/kinds/index.ts";
import { PATIENCE } from "../harness/condition.ts";
import { EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import { inVm, programPath } from "../harness/programs.ts";

setDefaultTimeout(4 * PATIENCE);

interface Report {
  kernel: string;
  works: boolean;
  kinds: {
    type: string;
    works: boolean;
    backend: string | null;
    trials: { backend: string; rung: string; works: boolean; reason: string }[];
  }[];
  checks: { name: string; ok: boolean; finding: string; remedy: string }[];
}

async function doctor(
  words: readonly string[],
  command = [EXECUTABLE],
): Promise<{ status: number; text: string }> {
  const running = Bun.spawn([...command, "doctor", ...words], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  return { text: await new Response(running.stdout).text(), status: await running.exited };
}

// It starts ipcdump four times, which in a test VM takes minutes, and forces every back end by itself.
if (!inVm) {
  test("doctor sees an event of each kind, with the back end that tracing then uses", async () => {
    const { text, status } = await doctor(["--json"]);
    const report = JSON.parse(text) as Report;
    expect(report.kinds.map(({ type }) => type)).toEqual(kinds.map(({ name }) => name));
    expect(report.kinds.filter(({ works }) => !works)).toEqual([]);
    expect([report.works, status]).toEqual([true, 0]);
    using ipcdump = await Ipcdump.tracing(["-v"]);
    const line = await ipcdump.untilTracing();
    for (const { type, backend, trials } of report.kinds) {
      expect(line).toContain(`${type} (${backend}`);
      const used = trials.find((trial) => trial.backend === backend);
      expect(ipcdump.stderr).toContain(`${type}: rung ${used?.rung}`);
      for (const trial of trials) expect(trial.works).toBe(trial.reason === "");
    }
    for (const { ok, remedy } of report.checks) expect(ok).toBe(remedy === "");
  });

  test("doctor without root says what is missing and ends with 1", async () => {
    const { text, status } = await doctor([], [await programPath("nobody"), EXECUTABLE]);
    expect(status).toBe(1);
    expect(text).toContain("without CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE; to mend it: sudo ipcdump doctor");
    for (const { name } of kinds) expect(text).toMatch(new RegExp(`NOT ${name} `));
    expect(text).toEndWith("Not every kind works.\n");
  });

  test("doctor without /sys names it and the command that mends it", async () => {
    const hidden = ["unshare", "-m", "sh", "-c", 'umount -l /sys && exec "$@"', "sh", EXECUTABLE];
    const { text, status } = await doctor([], hidden);
    expect(status).toBe(1);
    expect(text).toContain("BTF: /sys is not mounted; to mend it: mount -t sysfs sysfs /sys");
    using ipcdump = new Ipcdump(["-t", "pipe"], { command: hidden });
    expect(await ipcdump.ended()).toBe(1);
    expect(ipcdump.stderr[0]).toBe("ipcdump: no BTF here: /sys/kernel/btf/vmlinux is missing");
  });
}
