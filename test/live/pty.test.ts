import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { type Timeless, timeless } from "../harness/expect.ts";
import { Trace } from "../harness/trace.ts";
import type { Carried } from "../harness/truth.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

/** Modes of pty.c that make sense with terminals from before tracing too. */
const MODES = {
  both: "both directions",
  jobs: "jobs that change places",
  typed: "typed by somebody else (TIOCSTI)",
  several: "several at once",
  forked: "a child reads the master",
  unread: "two could read the master",
  renamed: "the reader of the master is renamed",
  doubled: "one has two descriptors of the master",
  left: "who read it is gone when it is written",
  succeeded: "two read of it, one after the other",
  leader_gone: "the leader of the foreground group is gone",
} as const;

/** seconds: however late somebody reads on a busy machine */
const WAIT = 2;

let trace: Trace;
const early = new Map<string, Workload>();

beforeAll(async () => {
  for (const mode of Object.keys(MODES)) early.set(mode, await Workload.start("pty", mode, "early"));
  for (const workload of early.values()) await workload.untilWaiting();
  trace = await Trace.start("pty", "--wait", `${WAIT}s`);
}, 2 * PATIENCE);

afterAll(async () => {
  for (const workload of early.values()) workload[Symbol.dispose]();
  await trace?.stop();
}, 2 * PATIENCE);

/** A test that runs a mode of pty.c and compares all its events. */
function carries(name: string, mode: string): void {
  test(name, async () => {
    using workload = await Workload.staged("pty", mode);
    await expectCarried(trace, workload.truth);
  });
}

describe("pty", () => {
  for (const [mode, name] of Object.entries(MODES)) {
    carries(name, mode);
    test(`${name}, from before tracing`, async () => {
      using workload = early.get(mode)!;
      await workload.proceed();
      await expectCarried(trace, workload.truth);
    });
  }
  carries("echo is none", "echo");
  carries("by /dev/tty", "by_other_name");
  carries("writev", "gathered");
  carries("100,000 bytes at once", "large");
  carries("who took the first of it is gone before the write returns", "gone");
  carries("sendfile, of whose pieces different processes take some", "sendfile");
  carries("failed and empty writes are silent", "failed");
  test("requests of io_submit are seen, or said to be not seen and nothing is made of them", async () => {
    using workload = await Workload.staged("pty", trace.notSeen("pty").includes("aio") ? "aio" : "aio_seen");
    await expectCarried(trace, workload.truth);
  });
  carries("nobody's session", "no_session");
  carries("a number given out again", "reused");
  carries("io_uring", "io_uring");

  test("who alone could read it has passed the slave on and is gone before that is received", async () => {
    using workload = await Workload.staged("pty", "given_away");
    await trace.settle();
    await workload.proceed();
    await expectCarried(trace, workload.truth);
  });

  test("a real shell", async () => {
    using workload = await Workload.staged("pty", "shell");
    const { truth } = workload;
    await trace.untilCarried(truth);
    await trace.settle();
    const events = trace.carriedFor(truth).map(timeless);
    const [shell, terminal] = [truth.role("shell"), truth.role("terminal")];
    const typed = events.filter(({ src_pid }) => src_pid === terminal.pid);
    const printed = events.filter(({ src_pid }) => src_pid === shell.pid);
    expect(typed.length + printed.length).toBe(events.length);
    // what goes to the line discipline as a write returns is counted twice: its reader may be a guess then, but is named
    const meta = (one: Carried, event?: Timeless) => ({
      ...one.meta,
      count: one.count,
      ...(event?.meta.dst_guess === true ? { dst_guess: true } : {}),
    });
    const [input, output] = [truth.carried.slice(0, -1), truth.carried.at(-1)];
    expect(typed).toEqual(
      input.map((one, i) => ({
        src_pid: terminal.pid,
        dst_pid: shell.pid,
        src_comm: terminal.comm,
        dst_comm: shell.comm,
        type: "pty",
        meta: meta(one, typed[i]),
        bytes: Buffer.from(one.hex, "hex").toString("base64"),
      })),
    );
    expect(
      printed.filter((event) => event.dst_pid !== terminal.pid || event.src_comm !== shell.comm),
    ).toEqual([]);
    const bytes = Buffer.concat(printed.map((event) => Buffer.from(event.bytes ?? "", "base64")));
    expect(bytes.toString("hex")).toBe(output?.hex ?? "");
  });

  test("nothing was lost", async () => {
    await trace.stop();
    expect(trace.lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
  });
});
