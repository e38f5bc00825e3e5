import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { expectMoved, type Tolerance } from "../harness/expect.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import { inVm } from "../harness/programs.ts";
import { type LostLine, Trace, type TraceEvent } from "../harness/trace.ts";
import type { Truth } from "../harness/truth.ts";
import { run, Workload } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

/** Bytes of a write, bytes of a writer: writes that fit the pipe, and writes that block in it. */
const FOUR_WRITERS = inVm
  ? ([
      [3000, 60_000],
      [100_000, 200_000],
    ] as const)
  : ([
      [3000, 600_000],
      [100_000, 1_000_000],
    ] as const);

/** For FIFOs and output files. */
let folder: string;
let trace: Trace;
/** What is under way when tracing begins, by the mode of early.c (and fifo.c). */
const early = new Map<string, Workload>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-pipe-"));
  for (const mode of ["bytes", "idle", "reader"]) early.set(mode, await Workload.start("early", mode));
  early.set("fifo", await Workload.start("fifo", "early", folder));
  for (const workload of early.values()) await workload.untilWaiting();
  trace = await Trace.start("pipe");
}, 2 * PATIENCE);

afterAll(async () => {
  for (const workload of early.values()) workload[Symbol.dispose]();
  await trace?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 2 * PATIENCE);

/** A test that runs a workload and compares all its events. */
function moves(name: string, command: string[], tolerance?: Tolerance): void {
  test(name, async () => {
    const [program = "", ...args] = command;
    await expectMoved(trace, await run(program, ...args), tolerance);
  });
}

function movesEarly(name: string, mode: string): void {
  test(name, async () => {
    await expectMoved(trace, await early.get(mode)!.finish());
  });
}

function contents(events: readonly TraceEvent[]): Buffer {
  return Buffer.concat(events.map((event) => Buffer.from(event.bytes ?? "", "base64")));
}

function eventsOf(truth: Truth, label: string): TraceEvent[] {
  return trace.onPipes([truth.pipe(label).inode]);
}

describe("pipe", () => {
  test("echo | cat of a real shell", async () => {
    const text = `hi ${crypto.randomUUID()}`;
    const script = `{ sh -c 'echo $PPID >&2'; echo ${text}; } | sh -c 'echo $$ >&2; exec cat'`;
    const shell = Bun.spawn(["sh", "-c", script], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    const pids = (await new Response(shell.stderr).text()).trim().split("\n").map(Number);
    await trace.settle();
    const bytes = Buffer.from(`${text}\n`).toString("base64");
    const event = trace.events.find((one) => one.bytes === bytes && one.dst_comm === "cat");
    expect(event).toEqual({
      src_pid: event?.src_pid ?? 0,
      dst_pid: event?.dst_pid ?? 0,
      src_comm: "sh",
      dst_comm: "cat",
      type: "pipe",
      time: expect.stringMatching(/^\d{4}-.*\.\d{9}(Z|[+-]\d\d:\d\d)$/),
      meta: { pipe_name: "<anonymous>", pipe_inode: expect.any(Number), count: text.length + 1 },
      bytes,
    });
    expect([event?.src_pid, event?.dst_pid].sort()).toEqual(pids.sort());
  });

  moves("one write, one read", ["pipe", "one"]);
  moves("to oneself", ["pipe", "self"]);
  moves("a write read in parts", ["pipe", "parts"]);
  moves("one writer's writes are one run", ["pipe", "merged"]);
  moves("several writers in one read", ["pipe", "runs"]);
  moves("a run cut by a read", ["pipe", "cut"]);
  moves("64 runs told apart", ["pipe", "runs64"]);
  for (const mode of ["runs300", "behind"]) {
    test(`more runs than are kept apart: ${mode}`, async () => {
      const truth = await run("pipe", mode);
      await trace.settle();
      const events = eventsOf(truth, "a");
      const expected = Buffer.from(truth.moved.map((one) => one.hex).join(""), "hex");
      expect(contents(events)).toEqual(expected);
      const writers = new Map([...truth.roles.values()].map(({ pid, comm }) => [pid, comm]));
      // a byte is its writer's own letter, or the two take turns
      const writerOf = (byte: number) => ["ann", "bob", "cid"][mode === "behind" ? byte - 97 : byte % 2]!;
      for (const event of events) {
        expect(event.src_comm).toBe(writers.get(event.src_pid)!);
        if (guessed(event)) continue;
        for (const byte of contents([event])) expect(writerOf(byte)).toBe(event.src_comm);
      }
      expect(events.some(guessed)).toBe(true);
      expect(events.filter((event) => !guessed(event)).length).toBeGreaterThan(126);
    });
  }
  for (const what of ["readers", "pipes"]) moves(`two ${what}`, ["pipe", `two_${what}`]);
  moves("a reader that waits", ["pipe", "blocked_reader"]);
  moves("a writer that blocks half-way", ["pipe", "blocked_writer"], { guesses: true });
  moves("a non-blocking write that half fits", ["pipe", "short_write"]);
  moves("a megabyte in one read", ["pipe", "big_read"]);
  moves("failed, empty and would-block calls are silent", ["pipe", "failed"]);
  moves("packets (O_DIRECT)", ["pipe", "packets"]);
  moves("made larger and smaller (F_SETPIPE_SZ)", ["pipe", "resized"]);
  moves("ends dup'ed and reopened", ["pipe", "reopened"]);
});

describe("pipe iovec", () => {
  for (const count of [1, 2, 3, 8, 9, 64, 333, 1024]) {
    moves(`writev and readv of ${count}`, ["iovec", String(count)]);
  }
});

describe("pipe splice", () => {
  moves("pipe to pipe", ["splice", "pipe_to_pipe"]);
  moves("several writers from pipe to pipe", ["splice", "pipe_to_pipe_runs"]);
  moves("file to pipe", ["splice", "file_to_pipe"]);
  moves("pipe to file", ["splice", "pipe_to_file"]);
  moves("through a socket", ["splice", "through_socket"]);
  moves("tee", ["splice", "tee"]);
  moves("vmsplice in", ["splice", "vmsplice_in"]);
  moves("vmsplice out", ["splice", "vmsplice_out"]);
  moves("sendfile in", ["splice", "sendfile_in"]);
  moves("splice between writes", ["splice", "mixed"]);
  moves("failed splices are silent", ["splice", "failed"]);
  test("contents that can't be read are reported as such", async () => {
    const truth = await run("splice", "pipe_to_file");
    await expectMoved(trace, truth);
    const [event] = eventsOf(truth, "a");
    if (!trace.capabilities("pipe").splicedContents) expect(event?.meta.captured).toBe(0);
  });
});

describe("pipe io_uring", () => {
  for (const mode of ["both", "write", "read", "waiting", "instead", "later", "idle", "under_way"]) {
    test(mode, async () => {
      const truth = await run("uring", mode);
      if (trace.capabilities("pipe").uring) return expectMoved(trace, truth);
      expect(trace.notSeen("pipe")).toContain("io_uring");
      await trace.settle();
      // what it does show of such a pipe names nobody wrongly
      for (const { src_pid, dst_comm, meta } of eventsOf(truth, "a")) {
        const src = truth.moved.find(({ dst }) => dst === dst_comm)?.src ?? "";
        if (meta.src_guess !== true) expect([truth.role(src).pid, -1]).toContain(src_pid);
      }
    });
  }
});

describe("pipe FIFO", () => {
  for (const mode of ["plain", "relative", "odd", "chroot", "read_write"]) {
    test(mode, async () => {
      await expectMoved(trace, await run("fifo", mode, folder));
    });
  }
  movesEarly("opened before tracing", "fifo");
});

describe("pipe before tracing", () => {
  movesEarly("bytes from before have no writer", "bytes");
  movesEarly("processes from before have names", "idle");
  movesEarly("a read that began before", "reader");
});

describe("pipe names", () => {
  moves("of processes that live a millisecond", ["name", "mayfly"]);
  moves("of programs that live a millisecond", ["name", "mayfly_exec"]);
  moves("of a writer that exec'ed since", ["name", "exec_writer"]);
  moves("of a reader that exec'ed since", ["name", "exec_reader"]);
  moves("of a process that renamed itself", ["name", "rename"]);
  moves("of a thread's process", ["name", "thread"]);
  moves("of a process whose leader is gone", ["name", "leader_gone"]);
  moves("of a program that a thread exec'ed", ["name", "thread_exec"]);
  moves("with odd characters", ["name", "odd"]);
});

describe("pipe stream", () => {
  test("700,000 random bytes in 300,000-byte writes", async () => {
    const bytes = Buffer.alloc(700_000);
    for (let at = 0; at < bytes.length; at += 50_000) crypto.getRandomValues(bytes.subarray(at, at + 50_000));
    const file = join(folder, "random");
    await Bun.write(file, bytes);
    const truth = await run("stream", "1", "300000", String(bytes.length), file);
    await trace.settle();
    const events = eventsOf(truth, "a");
    expect(contents(events).equals(bytes)).toBe(true);
    expect(new Set(events.map((event) => event.src_pid))).toEqual(new Set([truth.role("writer0").pid]));
    expect(new Set(events.map((event) => event.dst_comm))).toEqual(new Set(["reader"]));
    if (trace.capabilities("pipe").overlappingWriters) expect(events.filter(guessed)).toEqual([]);
  });

  for (const [size, total] of FOUR_WRITERS) {
    test(`four writers of ${size} bytes at a time`, async () => {
      const truth = await run("stream", "4", String(size), String(total));
      await trace.settle();
      const events = eventsOf(truth, "a");
      const counts = [0, 0, 0, 0];
      for (const event of events) {
        const tags = new Set(Buffer.from(event.bytes ?? "", "base64"));
        for (const byte of Buffer.from(event.bytes ?? "", "base64")) counts[byte - 65]!++;
        if (guessed(event)) continue;
        expect(tags.size).toBe(1);
        const [tag = 0] = tags;
        const writer = truth.role(`writer${tag - 65}`);
        expect([event.src_pid, event.src_comm]).toEqual([writer.pid, writer.comm]);
      }
      expect(counts).toEqual([total, total, total, total]);
      if (trace.capabilities("pipe").overlappingWriters) expect(events.filter(guessed)).toEqual([]);
    });
  }

  moves("200 readers that wait on 200 pipes", ["blocked", "200"]);
});

describe("pipe at the end", () => {
  test("what nobody has read", async () => {
    using workload = await Workload.start("early", "unread");
    await workload.untilWaiting();
    await trace.settle();
    const stderr = await trace.stop();
    const { truth } = workload;
    const { inode } = truth.pipe("a");
    const [from, to] = [truth.role("producer"), truth.role("consumer")];
    expect(stderr.filter((line) => line.startsWith(`unread: pipe ${inode} `))).toEqual([
      `unread: pipe ${inode} <anonymous>: 65536 bytes from ${from.pid}(producer), readers: ${to.pid}(consumer)`,
    ]);
  });

  test("nothing was lost", async () => {
    await trace.stop();
    // what the kernel skipped is the machine's doing, and was reported
    expect(trace.lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
  });
});

describe("pipe at full speed", () => {
  test("pairs of write and read at full speed", async () => {
    await trace.stop(); // it would have to keep up as well
    const pairs = inVm ? 20_000 : 400_000;
    const file = join(folder, "pairs.json");
    using ipcdump = await Ipcdump.tracing(["-t", "pipe", "-f", "json", "--backend", BACKEND, "-o", file]);
    const truth = await run("pairs", String(pairs));
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
    const { inode } = truth.pipe("a");
    const [writer, reader] = [truth.role("writer"), truth.role("reader")];
    const lines = (await Bun.file(file).text()).split("\n");
    const lost: LostLine[] = lines
      .filter((line) => line.includes('"lost_type"'))
      .map((line) => JSON.parse(line));
    // a kernel that preempts programs skips some, and says how many: nothing else may be lost
    expect(lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
    const missed = lost.reduce((sum, { count }) => sum + count, 0);
    expect(ipcdump.stderr.join("\n")).toMatch(new RegExp(`^\\d+ events in .*, ${missed} lost$`, "m"));
    let seen = 0;
    for (const line of lines) {
      if (!line.includes(`"pipe_inode":${inode},`)) continue;
      if (missed > 0 && line.includes('"src_guess":true')) {
        seen++;
        continue;
      }
      const { time: _, ...event } = JSON.parse(line);
      const expected = {
        src_pid: writer.pid,
        dst_pid: reader.pid,
        src_comm: writer.comm,
        dst_comm: reader.comm,
        type: "pipe",
        meta: { pipe_name: "<anonymous>", pipe_inode: inode, count: 10 },
      };
      if (!Bun.deepEquals(event, expected)) expect(event).toEqual(expected);
      seen++;
    }
    expect(seen).toBeLessThanOrEqual(pairs);
    expect(seen + missed).toBeGreaterThanOrEqual(pairs);
  });
});

function guessed(event: TraceEvent): boolean {
  return event.meta.src_guess === true;
}
