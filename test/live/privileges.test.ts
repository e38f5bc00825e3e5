import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { PATIENCE } from "../harness/condition.ts";
import { expectMoved } from "../harness/expect.ts";
import { BACKEND, EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import { CAPABILITIES, readsMapsFreely } from "../harness/privileges.ts";
import { programPath } from "../harness/programs.ts";
import { Trace } from "../harness/trace.ts";
import { run, Workload } from "../harness/workload.ts";

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

test("BTF that is there and may not be read is not called missing", async () => {
  // as nobody, in a root whose /sys is not open to all
  const script =
    'mount -t tmpfs -o mode=700 tmpfs /sys/kernel && mkdir -p /sys/kernel/btf && touch /sys/kernel/btf/vmlinux && exec "$@"';
  const command = ["unshare", "-m", "sh", "-c", script, "sh", ...(await without())];
  using ipcdump = new Ipcdump(["-t", "pipe"], { command });
  expect(await ipcdump.ended()).toBe(1);
  expect(ipcdump.stderr).toEqual([
    "ipcdump: no BTF here: cannot read /sys/kernel/btf/vmlinux: EACCES, permission denied",
    "Open it, and the folders above it, to uid 65534, or run ipcdump as root.",
  ]);
});

describe("what is not needed any more is given up", () => {
  const lines = /^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs):\s*(\w+)/gm;
  const [readSearch, kill, ptrace, bpf] = [1n << 2n, 1n << 5n, 1n << 19n, 1n << 39n];
  const always = readsMapsFreely ? 0n : bpf;

  /** What the kernel says of each thread, once for all that it says the same of. */
  function ofAllThreads(pid: number): Record<string, bigint>[] {
    const said = readdirSync(`/proc/${pid}/task`).map((thread) => {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
      return [...status.matchAll(lines)].map(([, name, value]) => `${name} 0x${value}`).join(", ");
    });
    expect(said.length).toBeGreaterThan(1);
    return [...new Set(said)].map((line) =>
      Object.fromEntries(
        line.split(", ").map((one) => {
          const [name, value] = one.split(" ") as [string, string];
          return [name, BigInt(value)];
        }),
      ),
    );
  }

  async function keeps(kinds: string, kept: bigint, command = [EXECUTABLE], more: string[] = []) {
    using ipcdump = await Ipcdump.tracing(["-t", kinds, "--backend", BACKEND, ...more], { command });
    const [sets, ...others] = ofAllThreads(ipcdump.pid);
    expect(others).toEqual([]);
    expect(sets).toMatchObject({ CapInh: 0n, CapPrm: kept, CapEff: kept, CapAmb: 0n, NoNewPrivs: 1n });
    ipcdump.kill("SIGTERM");
    await ipcdump.ended();
    return sets!;
  }

  test("by every thread of root's", async () => {
    const sets = await keeps("pipe,signal", always | readSearch | ptrace);
    expect(sets.CapBnd).toBe(0n);
    // no look at what others have open
    await keeps("signal", always);
    await keeps("signal", always | kill, [EXECUTABLE], ["--", "sleep", "1000"]);
  });

  test("by every thread of whoever has three capabilities", async () => {
    await keeps("pipe", always | ptrace, await without());
  });

  test("what is left is enough to see who has a pipe open, whoever that is", async () => {
    using ipcdump = await Ipcdump.tracing(["-t", "pipe", "--backend", BACKEND]);
    using other = await Workload.staged("nobody", await programPath("quiet"), "1");
    await other.proceed();
    ipcdump.kill("SIGTERM");
    expect(await ipcdump.ended()).toBe(0);
    const unread = ipcdump.stderr.filter((line) => line.includes(`${other.pid}(`));
    expect(unread).toEqual([
      expect.stringMatching(
        new RegExp(
          `^unread: pipe \\d+ <anonymous>: 1 bytes from ${other.pid}\\(.*, readers: ${other.pid}\\(`,
        ),
      ),
    ]);
  });

  test("-- cmd has all there was, and is told to end whoever it has become", async () => {
    const status = "grep -E 'CapEff|NoNewPrivs|Uid' /proc/self/status";
    const shell = Bun.which("sh") ?? "/bin/sh";
    const script = `${status}; exec "$0" ${shell} -c "${status}; exec sleep 1000"`;
    using ipcdump = await Ipcdump.tracing([
      ...["-t", "signal", "--backend", BACKEND, "-o", "/dev/null"],
      ...["--", "sh", "-c", script, await programPath("nobody")],
    ]);
    const said = await ipcdump.until("cmd as nobody", () => {
      return ipcdump.stdout.length < 6 ? undefined : ipcdump.stdout.map((line) => line.replace(/\s+/g, " "));
    });
    expect(said.slice(3).map((line) => line.split(" ", 2).join(" "))).toEqual([
      "Uid: 65534",
      "CapEff: 0000000000000000",
      "NoNewPrivs: 0",
    ]);
    ipcdump.kill("SIGTERM");
    expect(await ipcdump.ended()).toBe(143);
    const ours = /^CapEff:\s*(\w+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1];
    expect(said.slice(1, 3)).toEqual([`CapEff: ${ours}`, "NoNewPrivs: 0"]);
  });
});
