import { expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE } from "../harness/ipcdump.ts";
import { lines } from "../harness/lines.ts";

setDefaultTimeout(3 * PATIENCE);

/** Fills what a FIFO holds. */
function fill(fifo: number): number {
  const page = Buffer.alloc(4096, ".");
  for (let filled = 0; ; filled += page.length) {
    try {
      writeSync(fifo, page);
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("EAGAIN");
      return filled;
    }
  }
}

/** What it holds by now. */
function drain(fifo: number): string {
  const room = Buffer.alloc(1 << 16);
  try {
    return room.toString("latin1", 0, readSync(fifo, room));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe("EAGAIN");
    return "";
  }
}

test("who reads stderr late has every line while tracing goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-late-"));
  const path = join(folder, "stderr");
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  const fifo = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const filled = fill(fifo);
  const ipcdump = Bun.spawn([EXECUTABLE, "-v", "-t", "signal", "-f", "json", "--backend", BACKEND], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: fifo,
  });
  try {
    const events: string[] = [];
    const reading = (async () => {
      for await (const line of lines(ipcdump.stdout)) events.push(line);
    })();
    // an event says that it traces, whatever could be said on stderr
    await eventually("an event", () => {
      Bun.spawnSync(["sh", "-c", "kill -CONT $$"]);
      return events.find((line) => line.includes('"SIGCONT"'));
    });
    let said = "";
    await eventually("the tracing line", () => {
      said += drain(fifo);
      return said.includes("\ntracing signal (") ? said : undefined;
    });
    expect(said.slice(0, filled)).toBe(".".repeat(filled));
    expect(said.slice(filled)).toStartWith("signal: rung tracepoint\nsignal: signal_generate by ");
    ipcdump.kill("SIGTERM");
    expect(await ipcdump.exited).toBe(0);
    await reading;
  } finally {
    ipcdump.kill("SIGKILL");
    closeSync(fifo);
    rmSync(folder, { recursive: true });
  }
});
