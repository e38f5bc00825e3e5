import { expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { POLLOUT, poll } from "../../ffi/libc.ts";
import { eventually, PATIENCE } from "../harness/condition.ts";
import { flood } from "../harness/flood.ts";
import { BACKEND, EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import { programPath } from "../harness/programs.ts";

setDefaultTimeout(3 * PATIENCE);

const PIPE = ["-t", "pipe", "-f", "json", "--backend", BACKEND];

test("a full file system: status 1, why, and whole lines", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-devices-"));
  const events = join(folder, "events");
  const script = `mount -t tmpfs -o size=256k tmpfs ${folder} && "$@" -o ${events}; status=$?; cat ${events}; exit $status`;
  using _flood = flood();
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
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-devices-"));
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
  using _flood = flood();
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
  using _flood = flood();
  using ipcdump = new Ipcdump([...PIPE, "-o", events]);
  expect(await ipcdump.ended()).toBe(1);
  expect(ipcdump.stderr.at(-1)).toBe(brokenAt(events));
  device.stdin.end();
  const written = (await words).replace("ready\n", "");
  expect(written).toHaveLength(size);
  for (const line of written.split("\n").slice(0, -1)) JSON.parse(line);
});

test("a reader that stalls: memory stays, losses are counted, SIGTERM ends it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-devices-"));
  const fifo = join(folder, "fifo");
  expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
  const stalled = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  using _flood = flood();
  try {
    using ipcdump = await Ipcdump.tracing([...PIPE, "--ring", "1M", "-o", fifo]);
    // nobody reads: it writes until the pipe is full, then no more
    const writable = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    await eventually("it is stuck", () => poll(writable, POLLOUT, 0) === 0 || undefined);
    closeSync(writable);
    const resident = () =>
      Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${ipcdump.pid}/status`, "utf8"))?.[1]);
    let before = resident();
    let same = 0;
    await eventually("its memory has settled", () => {
      const now = resident();
      same = now > before + 1024 ? 0 : same + 1;
      if (same === 0) before = now;
      return same > 40 || undefined;
    });
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
