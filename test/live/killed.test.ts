/** --kernel-signals: whom the kernel kills of its own accord, and why. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { Trace } from "../harness/trace.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

test("who was marked by the OOM killer, or shares that one's memory, is oom; and nobody else", async () => {
  const trace = await Trace.start("signal", "--kernel-signals");
  const { roles } = await run("killed");
  await trace.settle();
  await trace.stop();
  const pids = new Map([...roles.values()].map(({ pid, comm }) => [pid, comm]));
  const seen = trace.events.filter(({ dst_pid }) => pids.has(dst_pid));
  expect(new Set(seen.map(({ src_pid, src_comm }) => `${src_pid} ${src_comm}`))).toEqual(
    new Set(["0 kernel"]),
  );
  const said = seen.map(({ dst_pid, meta }) => `${pids.get(dst_pid)}: ${meta.name} by ${meta.cause}`).sort();
  // a process that has run for too long is told so at every tick until it is gone
  expect([...new Set(said)]).toEqual([
    "hungry: SIGKILL by oom",
    "limited: SIGKILL by limit",
    "sharing: SIGKILL by oom",
    "traced: SIGKILL by exit",
  ]);
  expect(said.filter((line) => !line.startsWith("limited"))).toHaveLength(3);
});
