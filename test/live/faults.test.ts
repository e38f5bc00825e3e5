import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Condition, PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
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

describe("SIGKILL leaves nothing in the kernel", () => {
  async function kept(): Promise<Set<string>> {
    const program = await programPath("kept");
    return new Set(Bun.spawnSync([program]).stdout.toString().trim().split("\n"));
  }

  const moments: [when: string, come: (ipcdump: Ipcdump, before: Set<string>) => Promise<unknown>][] = [
    ["at once", async () => {}],
    [
      "while it loads",
      async (_, before) => {
        const program = await programPath("kept");
        const now = () => Bun.spawnSync([program]).stdout.toString().trim().split("\n");
        await eventually("something loaded", () => now().find((line) => !before.has(line)));
      },
    ],
    ["when it traces", (ipcdump) => ipcdump.untilTracing()],
    ["in a storm", (ipcdump) => ipcdump.until("a thousand events", () => ipcdump.stdout[1000])],
  ];
  test.each(moments)("%s", async (_, come) => {
    const before = await kept();
    using _storm = storm();
    using ipcdump = new Ipcdump(ALL);
    await come(ipcdump, before);
    ipcdump.kill("SIGKILL");
    expect(await ipcdump.ended()).toBe(137);
    const program = await programPath("kept");
    // the kernel takes its time to free them
    await eventually("the kernel has nothing of ours", () => {
      const now = Bun.spawnSync([program]).stdout.toString().trim().split("\n");
      return now.every((line) => before.has(line)) || undefined;
    });
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
    const start = written();
    let last = start;
    let same = 0;
    await eventually("it is stuck", () => {
      const now = written();
      same = now === last && now > start ? same + 1 : 0;
      last = now;
      return same > 20 || undefined;
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
