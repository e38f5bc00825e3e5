/** Captures as Wireshark starts them: whom they leave out, and how they end. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, PATIENCE } from "../harness/condition.ts";
import { EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";

setDefaultTimeout(2 * PATIENCE);

const folder = mkdtempSync(join(tmpdir(), "ipcdump-capture-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("what its caller does is left out: Wireshark would show what it makes by showing it", async () => {
  const fifo = join(folder, "own");
  Bun.spawnSync(["mkfifo", fifo]);
  const target = Bun.spawn(["sleep", "1000"]);
  const filter = `-t signal -D sleep -p ${target.pid}`;
  const words = ["--capture", "--extcap-interface", "ipcdump", "--fifo", fifo];
  const capture = Bun.spawn([EXECUTABLE, ...words, "--extcap-capture-filter", filter]);
  using reader = new Ipcdump(["-r", fifo, "-q", "-f", "json"]);
  const killers: number[] = [];
  while (reader.stdout.length < 2) {
    target.kill("SIGWINCH");
    const killer = Bun.spawn(["sh", "-c", `kill -URG ${target.pid}`]);
    killers.push(killer.pid);
    await killer.exited;
  }
  capture.kill("SIGTERM");
  expect(await capture.exited).toBe(0);
  expect(await reader.ended()).toBe(0);
  target.kill("SIGKILL");
  const sources = reader.stdout.map((line) => JSON.parse(line).src_pid);
  expect(sources).toEqual(killers.slice(-sources.length));
});

describe("a capture ends without a word", () => {
  async function capturing(end: (process: Bun.Subprocess, reader: number) => void): Promise<void> {
    const fifo = join(folder, `end-${Bun.randomUUIDv7()}`);
    Bun.spawnSync(["mkfifo", fifo]);
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const words = ["--capture", "--extcap-interface", "ipcdump", "--fifo", fifo];
    const ipcdump = Bun.spawn([EXECUTABLE, ...words, "--extcap-capture-filter", "-t signal -p 1"], {
      stdout: "pipe",
      stderr: "pipe",
    });
    // its file's header comes once it traces
    await eventually("the header", () => {
      if (ipcdump.exitCode !== null) throw new Error("it ended by itself");
      try {
        return readSync(reader, new Uint8Array(65_536)) > 0 || undefined;
      } catch {
        return undefined; // nothing yet
      }
    });
    end(ipcdump, reader);
    expect(await ipcdump.exited).toBe(0);
    expect([await ipcdump.stdout.text(), await ipcdump.stderr.text()]).toEqual(["", ""]);
  }

  test("by SIGTERM", () =>
    capturing((process, reader) => {
      process.kill("SIGTERM");
      // what it still has to write finds a reader
      setTimeout(() => closeSync(reader), 0);
    }));

  test("when nobody reads any more", () => capturing((_, reader) => closeSync(reader)));
});
