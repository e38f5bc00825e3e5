import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import { programPath } from "../harness/programs.ts";
import type { LostLine } from "../harness/trace.ts";
import type { Truth } from "../harness/truth.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

const PIPE = ["-t", "pipe", "--backend", BACKEND];
const TOTALS = /^(\d+) events? in \d+\.\d s \(([^)]*)\), (?:\d+ guessed, )?(\d+) lost$/;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-cli-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs ipcdump to its own end, for what does not trace. */
async function finished(...args: string[]): Promise<{ status: number; stdout: string[]; stderr: string[] }> {
  using ipcdump = new Ipcdump(args);
  const status = await ipcdump.ended();
  return { status, stdout: ipcdump.stdout, stderr: ipcdump.stderr };
}

/** The one transfer of `pipe one`, as JSON lines show it. */
function eventOn(truth: Truth, lines: readonly string[]): Record<string, unknown> | undefined {
  const inode = truth.pipe("a").inode;
  return lines.map((line) => JSON.parse(line)).find((event) => event.meta?.pipe_inode === inode);
}

function lostLines({ stdout }: Ipcdump): LostLine[] {
  return stdout.map((line) => JSON.parse(line)).filter((value) => "lost_type" in value);
}

function totals(ipcdump: Ipcdump): { events: number; lost: number } {
  const [, events, , lost] = ipcdump.stderr.map((line) => TOTALS.exec(line)).find(Boolean) ?? [];
  if (events === undefined) throw new Error(`no totals\n${ipcdump.transcript()}`);
  return { events: Number(events), lost: Number(lost) };
}

describe("cli words", () => {
  test("--help fits a terminal", async () => {
    for (const flag of ["-h", "--help"]) {
      const { status, stdout, stderr } = await finished(flag);
      expect([status, stderr]).toEqual([0, []]);
      expect(stdout.length).toBeLessThanOrEqual(45);
      expect(stdout.filter((line) => line.length > 80)).toEqual([]);
      expect(stdout.join("\n")).toContain("ipcdump -t pipe -x -B 64 -f json");
    }
  });

  test("--version", async () => {
    const { status, stdout } = await finished("--version");
    expect(status).toBe(0);
    expect(stdout).toEqual([expect.stringMatching(/^ipcdump \d+\.\d+\.\d+$/)]);
    expect((await finished("--version", "-v")).stdout.join("\n")).toContain("libbpf");
  });

  for (const [words, culprit] of [
    [["-t", "pipes"], "pipes"],
    [["-f", "jsn"], "jsn"],
    [["-x", "-B", "many"], "many"],
    [["-x", "-B", "-1"], "-1"],
    [["-c", "1e3"], "1e3"],
    [["-B", "64"], "-x"],
    [["--backend", "magic"], "magic"],
    [["--ring", "big"], "big"],
    [["--frobnicate"], "--frobnicate"],
  ] as const) {
    test(`wrong usage: ${words.join(" ")}`, async () => {
      const { status, stdout, stderr } = await finished(...words);
      expect([status, stdout]).toEqual([2, []]);
      expect(stderr.length).toBeWithin(1, 3);
      expect(stderr.join("\n")).toContain(culprit);
      expect(stderr[0]).toStartWith("ipcdump: ");
    });
  }

  test("a near miss is suggested", async () => {
    expect((await finished("-t", "signl")).stderr.join("\n")).toContain("signal");
  });

  test("without root", async () => {
    using ipcdump = new Ipcdump(["-t", "pipe"], { command: [await programPath("nobody"), EXECUTABLE] });
    expect(await ipcdump.ended()).toBe(1);
    expect(ipcdump.stderr).toEqual([
      "ipcdump: tracing needs root (or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE); try: sudo ipcdump -t pipe",
    ]);
  });

  test("each back end traces or says why not", async () => {
    for (const backend of ["fentry", "kprobe", "tracepoint"]) {
      using ipcdump = new Ipcdump(["-t", "pipe", "--backend", backend]);
      const line = await ipcdump.until("tracing or not", () =>
        ipcdump.stderr.find((one) => /^(tracing|not tracing|ipcdump:)/.test(one)),
      );
      if (line.startsWith("tracing ")) {
        expect(line).toMatch(new RegExp(`^tracing pipe \\(${backend}`));
        ipcdump.kill("SIGTERM");
        expect(await ipcdump.ended()).toBe(0);
      } else {
        expect(await ipcdump.ended()).toBe(1);
        expect(ipcdump.stderr.join("\n")).toMatch(/(not tracing|cannot trace) pipe: .+; .+/);
      }
    }
  });
});

describe("cli end", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`${signal}: drained, totals, status 0`, async () => {
      using ipcdump = await Ipcdump.tracing([...PIPE, "-f", "json"]);
      const truth = await run("pipe", "one");
      ipcdump.kill(signal);
      expect(await ipcdump.ended()).toBe(0);
      expect(eventOn(truth, ipcdump.stdout)?.src_pid).toBe(truth.role("writer").pid);
      // what the kernel skipped is the machine's doing, and was reported
      const lost = lostLines(ipcdump);
      expect(lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
      const missed = lost.reduce((sum, { count }) => sum + count, 0);
      expect(totals(ipcdump)).toEqual({ events: ipcdump.stdout.length - lost.length, lost: missed });
    });
  }

  test("SIGUSR1 prints totals and goes on", async () => {
    using ipcdump = await Ipcdump.tracing([...PIPE, "-f", "json"]);
    ipcdump.kill("SIGUSR1");
    await ipcdump.until("totals", () => ipcdump.stderr.find((line) => TOTALS.test(line)));
    const truth = await run("pipe", "one");
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
    expect(eventOn(truth, ipcdump.stdout)).toBeDefined();
    expect(ipcdump.stderr.filter((line) => TOTALS.test(line))).toHaveLength(2);
  });

  test("-c 3: three events, status 0", async () => {
    using ipcdump = await Ipcdump.tracing([...PIPE, "-f", "json", "-c", "3"]);
    await run("pipe", "parts");
    expect(await ipcdump.ended()).toBe(0);
    expect(ipcdump.stdout).toHaveLength(3);
    expect(totals(ipcdump).events).toBe(3);
  });

  test("| head -1: quick, quiet, status 0", async () => {
    using ipcdump = new Ipcdump([], {
      command: ["sh", "-c", '{ "$@"; echo "status $?" >&2; } | head -1', "sh", EXECUTABLE, ...PIPE],
    });
    await ipcdump.untilTracing();
    await run("pipe", "one");
    const status = await ipcdump.until("its status", () =>
      ipcdump.stderr.find((line) => /^status/.test(line)),
    );
    expect(status).toBe("status 0");
    expect(ipcdump.stderr.filter((line) => !/^(tracing|status) /.test(line) && !TOTALS.test(line))).toEqual(
      [],
    );
    expect(await ipcdump.ended()).toBe(0);
    expect(ipcdump.stdout).toHaveLength(1);
  });

  test("what did not fit into the ring is counted", async () => {
    for (const flags of [[], ["-L"]]) {
      using ipcdump = await Ipcdump.tracing([...PIPE, "-f", "json", "--ring", "64K", ...flags]);
      ipcdump.kill("SIGSTOP");
      const truth = await run("pairs", "5000");
      ipcdump.kill("SIGCONT");
      ipcdump.kill("SIGINT");
      expect(await ipcdump.ended()).toBe(0);
      const { events, lost } = totals(ipcdump);
      const values = ipcdump.stdout.map((line) => JSON.parse(line));
      const lines = values.filter((value) => "lost_type" in value);
      const inode = truth.pipe("a").inode;
      const seen = values.filter((value) => value.meta?.pipe_inode === inode).length;
      expect(events).toBe(values.length - lines.length);
      expect(seen).toBeLessThan(5000);
      expect(seen + lost).toBeGreaterThanOrEqual(5000);
      if (flags.length > 0) {
        expect(lines).toEqual([]);
        continue;
      }
      for (const line of lines) {
        expect(line).toEqual({
          lost_type: "pipe",
          count: expect.any(Number),
          reason: "ring_full",
          time: expect.stringMatching(/^\d{4}-/),
        });
      }
      expect(lines.reduce((sum, line) => sum + line.count, 0)).toBe(lost);
    }
  });
});

describe("cli output", () => {
  test("text, with contents", async () => {
    using ipcdump = await Ipcdump.tracing([...PIPE, "-x"]);
    const truth = await run("pipe", "one");
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
    const inode = truth.pipe("a").inode;
    const [writer, reader] = [truth.role("writer"), truth.role("reader")];
    const at = ipcdump.stdout.findIndex((line) => line.includes(`pipe_inode ${inode},`));
    const [line = "", dump] = ipcdump.stdout.slice(at, at + 2);
    expect(line.slice(0, 18)).toMatch(/^\d\d:\d\d:\d\d\.\d{9}$/);
    expect(line.slice(18)).toBe(
      ` pipe ${writer.pid}(writer) > ${reader.pid}(reader): pipe_name <anonymous>, pipe_inode ${inode}, count 6`,
    );
    expect(dump).toBe("\t00000000  68 65 6c 6c 6f 0a                                 |hello.|");
  });

  test("-B cuts, and says so; flags bundle", async () => {
    using ipcdump = await Ipcdump.tracing([...PIPE, "-xB4", "-fjson"]);
    const truth = await run("pipe", "one");
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
    expect(eventOn(truth, ipcdump.stdout)).toMatchObject({
      meta: { count: 6, captured: 4 },
      bytes: Buffer.from("hell").toString("base64"),
    });
  });

  test("without -x no contents", async () => {
    using ipcdump = await Ipcdump.tracing([...PIPE, "-f", "json"]);
    const truth = await run("pipe", "one");
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
    const event = eventOn(truth, ipcdump.stdout);
    expect(event).toBeDefined();
    expect(event).not.toHaveProperty("bytes");
    expect(event?.meta).not.toHaveProperty("captured");
  });

  test("-o: a new file is for its owner only", async () => {
    const file = join(folder, "new.json");
    using ipcdump = await Ipcdump.tracing([...PIPE, "-f", "json", "-o", file]);
    const truth = await run("pipe", "one");
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
    expect(ipcdump.stdout).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(eventOn(truth, readFileSync(file, "utf8").trimEnd().split("\n"))).toBeDefined();
  });

  test("-o: an existing file keeps its mode and loses its contents, when tracing is on", async () => {
    const file = join(folder, "old.json");
    writeFileSync(file, "old\n");
    chmodSync(file, 0o644);
    expect((await finished("-t", "nonsense", "-o", file)).status).toBe(2);
    expect(readFileSync(file, "utf8")).toBe("old\n");
    using ipcdump = await Ipcdump.tracing([...PIPE, "-f", "json", "-o", file]);
    const truth = await run("pipe", "one");
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(eventOn(truth, readFileSync(file, "utf8").trimEnd().split("\n"))).toBeDefined();
  });

  test("-o: a file that can't be opened", async () => {
    const { status, stderr } = await finished(...PIPE, "-o", join(folder, "no/such/folder"));
    expect(status).toBe(1);
    expect(stderr.join("\n")).toContain(join(folder, "no/such/folder"));
    expect(stderr.length).toBeLessThanOrEqual(2);
  });

  test("-q says nothing", async () => {
    using ipcdump = new Ipcdump([...PIPE, "-q", "-c", "1"]);
    let ended = false;
    const end = ipcdump.ended().finally(() => {
      ended = true;
    });
    while (!ended) await run("pipe", "one");
    expect(await end).toBe(0);
    expect(ipcdump.stdout).toHaveLength(1);
    expect(ipcdump.stderr).toEqual([]);
  });

  test("-v says more", async () => {
    using ipcdump = await Ipcdump.tracing([...PIPE, "-v"]);
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
    expect(ipcdump.stderr.length).toBeGreaterThan(2);
  });
});
