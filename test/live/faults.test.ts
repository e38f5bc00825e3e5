import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kinds } from "../../src/kinds/index.ts";
import { eventually, PATIENCE } from "../harness/condition.ts";
import { flood } from "../harness/flood.ts";
import { BACKEND, EXECUTABLE, Ipcdump, PLAIN, STATIC } from "../harness/ipcdump.ts";
import { inVm, programPath } from "../harness/programs.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(3 * PATIENCE);

const JSON_LINES = ["-f", "json", "--backend", BACKEND];
const PIPE = ["-t", "pipe", ...JSON_LINES];

/** In a VM all programs take a minute to load. */
const ALL = inVm ? PIPE : ["-x", ...JSON_LINES];

/** What BPF objects the kernel holds, which may be none. */
async function kept(): Promise<Set<string>> {
  const { stdout } = Bun.spawnSync([await programPath("kept")]);
  return new Set(stdout.toString().split("\n").filter(Boolean));
}

/** The kernel takes its time to free them. */
async function nothingIsLeft(before: ReadonlySet<string>): Promise<void> {
  const program = await programPath("kept");
  await eventually("the kernel has nothing of ours", () => {
    const now = Bun.spawnSync([program]).stdout.toString().split("\n").filter(Boolean);
    return now.every((line) => before.has(line)) || undefined;
  });
}

describe("SIGKILL leaves nothing in the kernel", () => {
  const moments: [when: string, come: (ipcdump: Ipcdump, before: Set<string>) => Promise<unknown>][] = [
    ["at once", async () => {}],
    [
      "while it loads",
      async (_, before) => {
        const program = await programPath("kept");
        const now = () => Bun.spawnSync([program]).stdout.toString().split("\n").filter(Boolean);
        await eventually("something loaded", () => now().find((line) => !before.has(line)));
      },
    ],
    ["when it traces", (ipcdump) => ipcdump.untilTracing()],
    ["in a storm", (ipcdump) => ipcdump.until("a thousand events", () => ipcdump.stdout[1000])],
    [
      "while it ends",
      async (ipcdump) => {
        await ipcdump.untilTracing();
        ipcdump.kill("SIGTERM");
      },
    ],
  ];
  test.each(moments)("%s", async (when, come) => {
    const before = await kept();
    using _flood = flood();
    using ipcdump = new Ipcdump(ALL);
    await come(ipcdump, before);
    ipcdump.kill("SIGKILL");
    // it may have been quicker
    expect(await ipcdump.ended()).toBeOneOf(when === "while it ends" ? [137, 0] : [137]);
    await nothingIsLeft(before);
    const probes = Bun.spawnSync(["sh", "-c", "cat /sys/kernel/tracing/kprobe_events"]).stdout.toString();
    expect(probes).not.toContain("ipcdump");
  });
});

describe("what the kernel refuses", () => {
  const EINVAL = 22;
  const ENOMEM = 12;

  /** ipcdump on a kernel that refuses to load or to attach a program. */
  async function refusing(how: "load" | "attach", program: string, errno: number, flags: string[] = []) {
    const command = [await programPath("refuse"), how, program, `${errno}`, EXECUTABLE];
    return new Ipcdump([...JSON_LINES, ...flags], { command });
  }

  async function sees(ipcdump: Ipcdump, program: string, ...args: string[]): Promise<void> {
    const truth = await run(program, ...args);
    const pids = new Set([...truth.roles.values()].map(({ pid }) => pid));
    await ipcdump.until("an event", () =>
      ipcdump.stdout.map((line) => JSON.parse(line)).find(({ src_pid }) => pids.has(src_pid)),
    );
  }

  test.each(["load", "attach"] as const)(
    "to %s one program: its kind is named, the others are traced",
    async (how) => {
      using ipcdump = await refusing(how, "loopback_fail__any", EINVAL);
      const tracing = await ipcdump.untilTracing();
      const why = `tracepoint: cannot ${how} loopback_fail__any: EINVAL, invalid argument; run: ipcdump doctor`;
      expect(ipcdump.stderr.slice(0, 2)).toEqual(
        ["tcp", "udp"].map((protocol) => `not tracing loopback-${protocol}: ${why}`),
      );
      expect(tracing).not.toContain("loopback");
      await sees(ipcdump, "pipe", "one");
      await sees(ipcdump, "unix", "pair", "stream", "unnamed");
      ipcdump.kill("SIGTERM");
      expect(await ipcdump.ended()).toBe(0);
    },
  );

  test("to load one that several kinds share: all of them are named, the others are traced", async () => {
    using ipcdump = await refusing("load", "calls_exit__any", EINVAL);
    const tracing = await ipcdump.untilTracing();
    const why = "tracepoint: cannot load calls_exit__any: EINVAL, invalid argument; run: ipcdump doctor";
    for (const kind of ["unix-stream", "unix-dgram", "unix-seqpacket", "loopback-tcp", "loopback-udp", "pty"])
      expect(ipcdump.stderr).toContain(`not tracing ${kind}: ${why}`);
    expect(tracing).toContain("signal (tracepoint)");
    expect(tracing).not.toMatch(/unix|loopback|pty/);
    ipcdump.kill("SIGTERM");
    expect(await ipcdump.ended()).toBe(0);
  });

  test("to attach one half-way, of what was asked for: status 1, and nothing is left", async () => {
    const before = await kept();
    using ipcdump = await refusing("attach", "calls_exit__any", ENOMEM, ["-t", "pipe"]);
    expect(await ipcdump.ended()).toBe(1);
    expect(ipcdump.stderr).toEqual([
      "ipcdump: not tracing pipe: tracepoint: cannot attach calls_exit__any: ENOMEM, out of memory; use a smaller --ring, or raise the limit of memory, which may be the cgroup's",
    ]);
    await nothingIsLeft(before);
  });

  test("what is optional: the kind is traced without, and that is said", async () => {
    using ipcdump = await refusing("load", "uring_complete__any", EINVAL);
    expect(await ipcdump.untilTracing()).toContain(
      "unix-stream (tracepoint; not seen: racing threads, io_uring), ",
    );
    await sees(ipcdump, "unix", "pair", "stream", "unnamed");
    ipcdump.kill("SIGTERM");
    expect(await ipcdump.ended()).toBe(0);
  });

  test("ever more files: it says so, goes on with what it has, and leaves nothing", async () => {
    const before = await kept();
    for (let files = 8; files <= 72; files += 16) {
      const command = ["sh", "-c", 'ulimit -n "$1"; shift; exec "$@"', "sh", `${files}`, EXECUTABLE];
      using ipcdump = new Ipcdump([...JSON_LINES, "--duration", "0.05"], { command });
      const status = await ipcdump.ended();
      const tracing = ipcdump.stderr.findIndex((line) => line.startsWith("tracing "));
      expect([files, status]).toEqual([files, tracing < 0 ? 1 : 0]);
      const said = tracing < 0 ? ipcdump.stderr : ipcdump.stderr.slice(0, tracing);
      // one for each kind, and one for all of them
      expect(said.length).toBeLessThan(kinds.length + 2);
      if (tracing < 0) expect(said.join("\n")).toMatch(/EMFILE, too many open files|Too many open files/);
      for (const line of said) expect(line).not.toMatch(/\bat .*\.ts|undefined/);
    }
    await nothingIsLeft(before);
  });
});

test("a libbpf that is none: status 1, and why", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-faults-"));
  const libbpf = readFileSync(join(import.meta.dir, "../../dist/libbpf.so"));
  // one of glibc's can't be opened by the loader of the static executable, whatever is in it
  const foreign = EXECUTABLE === STATIC ? "Failed to open library" : 'Symbol "libbpf_set_print" not found';
  const files: [name: string, contents: Uint8Array, why: string][] = [
    ["text", new TextEncoder().encode("not a library\n"), "it is no ELF file"],
    ["cut", libbpf.subarray(0, 100_000), "it is cut short"],
    ["program", readFileSync(join(import.meta.dir, "../../dist/child.elf")), "Failed to open library"],
    ["another", readFileSync("/lib/x86_64-linux-gnu/libm.so.6"), foreign],
  ];
  for (const [name, contents, why] of files) {
    const file = join(folder, `${name}.so`);
    writeFileSync(file, contents);
    using ipcdump = new Ipcdump(PIPE, {
      env: { ...process.env, IPCDUMP_LIBBPF: file } as Record<string, string>,
    });
    expect(await ipcdump.ended()).toBe(1);
    expect(ipcdump.stderr).toEqual([
      expect.stringContaining(`ipcdump: IPCDUMP_LIBBPF=${file} is not used: ${why}`),
      "Unset it to use the bundled libbpf.",
    ]);
  }
  rmSync(folder, { recursive: true });
});

test("a libbpf that others may change is not loaded, nor one put in the place of what was looked at", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-faults-"));
  const [own, theirs, open, link] = ["own.so", "theirs.so", "open.so", "link.so"].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  for (const path of [own, theirs, open]) copyFileSync(join(import.meta.dir, "../../dist/libbpf.so"), path);
  chownSync(theirs, 65534, 65534);
  chmodSync(open, 0o666);
  const begin = (path: string) =>
    new Ipcdump(["-q", "-t", "signal", "-o", "/dev/null", "--duration", "0.01"], {
      command: [PLAIN],
      env: { ...process.env, IPCDUMP_LIBBPF: path } as Record<string, string>,
    });
  const refused = (path: string, why: string) => [
    `ipcdump: IPCDUMP_LIBBPF=${path} is not used: ${why}`,
    "Unset it to use the bundled libbpf.",
  ];
  for (const [path, why] of [
    [theirs, `${theirs} belongs to uid 65534`],
    [open, `${open} can be written by others`],
  ] as const) {
    using ipcdump = begin(path);
    expect([await ipcdump.ended(), ipcdump.stderr]).toEqual([1, refused(path, why)]);
  }
  // the path leads to the one and to the other by turns: what has other bytes would end it differently
  writeFileSync(theirs, "not a library\n");
  chownSync(theirs, 65534, 65534);
  let turns = 0;
  const turn = setInterval(() => {
    symlinkSync(turns++ % 2 === 0 ? own : theirs, `${link}.next`);
    renameSync(`${link}.next`, link);
  }, 1);
  await eventually("it leads somewhere", () => turns > 1 || undefined);
  const seen = [];
  for (let i = 0; i < 6; i++) {
    using ipcdump = begin(link);
    seen.push([await ipcdump.ended(), ...ipcdump.stderr]);
  }
  clearInterval(turn);
  const other = [1, ...refused(link, `${theirs} belongs to uid 65534`)];
  for (const one of seen) expect(one).toBeOneOf([[0], other]);
  const missing = join(folder, "missing.so");
  using ipcdump = begin(missing);
  expect([await ipcdump.ended(), ipcdump.stderr]).toEqual([
    1,
    refused(missing, "ENOENT, no such file or directory"),
  ]);
  rmSync(folder, { recursive: true });
});

test("many at once: each sees all, and nothing of the others", async () => {
  // in a VM loading them is what takes long
  const count = inVm ? 3 : 20;
  const all = await Promise.all(
    Array.from({ length: count }, () => Ipcdump.tracing([...PIPE, "--ring", "1M", "-P", "writer"])),
  );
  try {
    const truth = await run("pipe", "one");
    const inode = [...truth.pipes.values()][0]!.inode;
    for (const ipcdump of all) {
      const event = await ipcdump.until("the event", () =>
        ipcdump.stdout.map((line) => JSON.parse(line)).find(({ meta }) => meta?.pipe_inode === inode),
      );
      expect(event).toMatchObject({ src_comm: "writer", dst_comm: "reader" });
      ipcdump.kill("SIGTERM");
      expect(await ipcdump.ended()).toBe(0);
      expect(ipcdump.stdout.filter((line) => line.includes(`"pipe_inode":${inode}`))).toHaveLength(1);
    }
  } finally {
    for (const ipcdump of all) ipcdump[Symbol.dispose]();
  }
});
