import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Condition, PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE, Ipcdump, STATIC } from "../harness/ipcdump.ts";
import { inVm, programPath } from "../harness/programs.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(3 * PATIENCE);

const JSON_LINES = ["-f", "json", "--backend", BACKEND];
const PIPE = ["-t", "pipe", ...JSON_LINES];

/** Lets `look` try until it is content; it has nobody to tell it that something has changed. */
async function eventually<Value>(what: string, look: () => Value | undefined): Promise<Value> {
  const condition = new Condition();
  const timer = setInterval(() => condition.changed(), 20);
  try {
    return await condition.until(look, () => `${what}: never`);
  } finally {
    clearInterval(timer);
  }
}

/** In a VM all programs take a minute to load. */
const ALL = inVm ? PIPE : ["-x", ...JSON_LINES];

/** More than anybody reads in time, until it is disposed. A VM is that slow that less will do. */
function storm(): Disposable {
  const writer = inVm ? "while :; do echo yes; done" : "yes";
  const process = Bun.spawn(["sh", "-c", `${writer} | cat >/dev/null`], { detached: true });
  return { [Symbol.dispose]: () => globalThis.process.kill(-process.pid, "SIGKILL") };
}

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
    using _storm = storm();
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

test("a full file system: status 1, why, and whole lines", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-faults-"));
  const events = join(folder, "events");
  const script = `mount -t tmpfs -o size=256k tmpfs ${folder} && "$@" -o ${events}; status=$?; cat ${events}; exit $status`;
  using _storm = storm();
  using ipcdump = new Ipcdump(PIPE, { command: ["unshare", "-m", "sh", "-c", script, "sh", EXECUTABLE] });
  expect(await ipcdump.ended()).toBe(1);
  rmSync(folder, { recursive: true });
  expect(ipcdump.stderr.slice(-2)).toEqual([
    `ipcdump: cannot write to ${events}: ENOSPC, no space left on device; make room or write elsewhere with -o`,
    "What was written before is complete lines.",
  ]);
  expect(ipcdump.stdout.length).toBeGreaterThan(100);
  for (const line of ipcdump.stdout)
    expect(Object.keys(JSON.parse(line))[0]).toMatch(/^(src_pid|lost_type)$/);
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
    expect(await ipcdump.untilTracing()).toContain("unix-stream (tracepoint; not seen: io_uring), ");
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
      expect(said.length).toBeLessThan(10);
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

/** What a file of events ends with when its device fails, and where that is said to be. */
function brokenAt(events: string): string {
  return `ipcdump: cannot write to ${events}: EIO, input/output error`;
}

test("a device that breaks: status 1, why, and whole lines", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-faults-"));
  const [image, mount] = [join(folder, "image"), join(folder, "mount")];
  const events = join(mount, "events");
  const script = [
    `mkdir ${mount} && truncate -s 8M ${image} && mkfs.ext4 -q ${image} && mount -o loop ${image} ${mount} || exit 99`,
    `"$@" -o ${events} & ipcdump=$!`,
    `until [ "$(stat -c %s ${events} 2>/dev/null || echo 0)" -gt 50000 ]; do :; done`,
    `${await programPath("broken")} ${mount} || exit 98`,
    `wait $ipcdump; status=$?`,
    `umount ${mount} && mount -o loop ${image} ${mount} && cat ${events}; umount ${mount}; exit $status`,
  ].join("\n");
  using _storm = storm();
  using ipcdump = new Ipcdump(PIPE, { command: ["unshare", "-m", "sh", "-c", script, "sh", EXECUTABLE] });
  expect(await ipcdump.ended()).toBe(1);
  rmSync(folder, { recursive: true });
  expect(ipcdump.stderr.slice(-2)).toEqual([brokenAt(events), "What was written before is complete lines."]);
  expect(ipcdump.stdout.length).toBeGreaterThan(100);
  for (const line of ipcdump.stdout)
    expect(Object.keys(JSON.parse(line))[0]).toMatch(/^(src_pid|lost_type)$/);
});

test("a device that breaks within a line and takes nothing back: status 1, and no more is claimed", async () => {
  const size = 20_000;
  const device = Bun.spawn([await programPath("memory"), `${size}`], { stdin: "pipe", stdout: "pipe" });
  const events = `/proc/${device.pid}/mem`;
  const words = new Response(device.stdout).text();
  await eventually(
    "the memory is there",
    () => readFileSync(`/proc/${device.pid}/maps`, "utf8").startsWith("0000") || undefined,
  );
  using _storm = storm();
  using ipcdump = new Ipcdump([...PIPE, "-o", events]);
  expect(await ipcdump.ended()).toBe(1);
  expect(ipcdump.stderr.at(-1)).toBe(brokenAt(events));
  device.stdin.end();
  const written = (await words).replace("ready\n", "");
  expect(written).toHaveLength(size);
  for (const line of written.split("\n").slice(0, -1)) JSON.parse(line);
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

test("a reader that stalls: memory stays, losses are counted, SIGTERM ends it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-faults-"));
  const fifo = join(folder, "fifo");
  expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
  const stalled = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  using _storm = storm();
  try {
    using ipcdump = await Ipcdump.tracing([...PIPE, "--ring", "1M", "-o", fifo]);
    const of = (file: string, what: RegExp) =>
      Number(what.exec(readFileSync(`/proc/${ipcdump.pid}/${file}`, "utf8"))?.[1]);
    // nobody reads: it writes until the pipe is full, then no more
    const written = () => of("io", /^wchar:\s*(\d+)/m);
    let last = written();
    let same = 0;
    await eventually("it is stuck", () => {
      const now = written();
      same = now === last ? same + 1 : 0;
      last = now;
      return same > 40 || undefined;
    });
    const resident = () => of("status", /^VmRSS:\s*(\d+)/m);
    const before = resident();
    let looks = 0;
    await eventually("a hundred looks", () => (++looks > 100 ? true : undefined));
    expect(resident() - before).toBeLessThan(8 * 1024);
    ipcdump.kill("SIGTERM");
    const reader = Bun.spawn(["cat", fifo]);
    const text = await new Response(reader.stdout).text();
    expect(await ipcdump.ended()).toBe(0);
    expect(ipcdump.stderr.join("\n")).toMatch(/^\d+ events .*, [1-9]\d* lost/m);
    for (const line of text.trimEnd().split("\n")) JSON.parse(line);
  } finally {
    closeSync(stalled);
    rmSync(folder, { recursive: true, force: true });
  }
});
