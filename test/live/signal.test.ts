import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { expectSent } from "../harness/expect.ts";
import { Trace } from "../harness/trace.ts";
import { run, Workload } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

let trace: Trace;
let early: Workload;

beforeAll(async () => {
  early = await Workload.start("signal", "early");
  await early.untilWaiting();
  trace = await Trace.start("signal");
}, 2 * PATIENCE);

afterAll(async () => {
  early?.[Symbol.dispose]();
  await trace?.stop();
}, 2 * PATIENCE);

/** A test that runs a mode of signal.c and compares all signals between its processes. */
function sends(name: string, mode: string): void {
  test(name, async () => {
    await expectSent(trace, await run("signal", mode));
  });
}

describe("signal", () => {
  sends("kill", "kill");
  sends("SIGKILL, whose target is gone", "deadly");
  sends("tgkill and tkill", "tgkill");
  sends("to another thread", "to_thread");
  sends("by another thread", "from_thread");
  sends("sigqueue", "sigqueue");
  sends("pidfd_send_signal", "pidfd");
  sends("real-time signals", "realtime");
  sends("the standard signals' names", "names");
  sends("to a process group", "group");
  sends("to oneself", "self");
  sends("ignored", "ignored");
  sends("already pending", "pending");
  sends("queue overflow", "overflow");
  sends("forged si_pid", "forged_pid");
  sends("forged si_code", "forged_code");
  sends("forged si_code to oneself", "forged_kernel");
  sends("SIGCONT to who is stopped", "resumed");
  sends("by writing to cgroup.kill", "cgroup");
  sends("by processes that live a millisecond", "mayfly");
  sends("signal 0 and refused ones are none", "failed");

  test("between processes from before tracing", async () => {
    await expectSent(trace, await early.finish());
  });

  test("kill -USR1 of a real shell", async () => {
    // The target is ready when it has written; its trap keeps it alive.
    const target = Bun.spawn(["sh", "-c", "trap 'exit 0' USR1; echo ready; while :; do sleep 0.1; done"], {
      stdout: "pipe",
    });
    for await (const _ of target.stdout) break;
    const sender = Bun.spawn(["sh", "-c", `kill -USR1 ${target.pid}`]);
    expect(await sender.exited).toBe(0);
    expect(await target.exited).toBe(0);
    await trace.settle();
    expect(trace.signalsOf([sender.pid])).toEqual([
      {
        src_pid: sender.pid,
        dst_pid: target.pid,
        src_comm: "sh",
        dst_comm: "sh",
        type: "signal",
        time: expect.stringMatching(/^\d{4}-.*\.\d{9}(Z|[+-]\d\d:\d\d)$/),
        meta: { num: 10, name: "SIGUSR1" },
      },
    ]);
  });

  test("what the kernel raises is none", async () => {
    await expectSent(trace, await run("kernel"));
  });

  test("nothing was lost", async () => {
    await trace.stop();
    expect(trace.lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
  });
});

test("--kernel-signals: what the kernel raises, with its cause, and what processes send as ever", async () => {
  const kernel = await Trace.start("signal", "--kernel-signals");
  const truth = await run("kernel");
  await kernel.settle();
  await kernel.stop();
  const names = [...truth.roles.values()].map(({ comm }) => comm);
  const counts: Record<string, number> = {};
  for (const { src_pid, src_comm, dst_comm, meta } of kernel.events) {
    if (src_pid !== 0 || !names.includes(dst_comm)) continue;
    expect(src_comm).toBe("kernel");
    const said = `${dst_comm}: ${meta.name} by ${meta.cause}`;
    counts[said] = (counts[said] ?? 0) + 1;
  }
  expect(counts).toEqual({
    "quiet: SIGALRM by timer": 1,
    "quiet: SIGUSR1 by timer": 1,
    "quiet: SIGPIPE by pipe": 1,
    "quiet: SIGSEGV by fault": 1,
    "quiet: SIGRTMIN+1 by timer": 300,
    "user: SIGINT by terminal": 1,
    "user: SIGWINCH by terminal": 1,
    "user: SIGQUIT by terminal": 1,
    "user: SIGHUP by hangup": 1,
    "orphanage: SIGTERM by pdeathsig": 3,
  });
  // and never in the name of a process
  const causes = kernel.events.filter(({ meta }) => meta.cause !== undefined);
  expect(causes.filter(({ src_pid, src_comm }) => src_pid !== 0 || src_comm !== "kernel")).toEqual([]);
  const roles = [...truth.roles.values()].map(({ pid }) => pid);
  const sent = kernel.signalsOf(roles).filter(({ src_pid }) => src_pid !== 0);
  expect(sent.map(({ dst_comm, meta }) => `${dst_comm} ${meta.name}`).sort()).toEqual(
    truth.sent.map(({ dst, name }) => `${truth.role(dst).comm} ${name}`).sort(),
  );
});
