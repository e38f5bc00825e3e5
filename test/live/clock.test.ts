import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { PATIENCE } from "../harness/condition.ts";
import { TIME_ERROR } from "../harness/expect.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import { Trace } from "../harness/trace.ts";

setDefaultTimeout(2 * PATIENCE);

/** Nobody else's clock is set: /init of the test VM has its orders there. */
const inGuest = existsSync("/job/token");
const steps: [name: string, seconds: number][] = inGuest
  ? [
      ["an hour ahead", 3600],
      ["a day back", -86_400],
      ["a second ahead", 1],
      ["half a year ahead", 183 * 86_400],
    ]
  : [];
const started = { wall: Date.now(), steady: performance.now() };

/** The clock as it would be if nobody had set it. */
function unset(): number {
  return started.wall + performance.now() - started.steady;
}

function setClock(milliseconds: number): void {
  const { exitCode, stderr } = Bun.spawnSync(["date", "-s", `@${Math.round(milliseconds / 1000)}`]);
  if (exitCode !== 0) throw new Error(stderr.toString());
}

afterEach(() => {
  if (inGuest) setClock(unset());
});

test.each(steps)("after the clock was set %s, times are right again", async (_, seconds) => {
  using trace = await Trace.start("signal");
  await trace.settle();
  const stepped = trace.events.length;
  setClock(Date.now() + seconds * 1000);
  // what came through later than the step has the new time, once a drain began after it
  await trace.settle();
  const from = Date.now();
  const sender = Bun.spawn(["sh", "-c", "kill -WINCH $$"], { stdio: ["ignore", "ignore", "inherit"] });
  expect(await sender.exited).toBe(0);
  const to = Date.now();
  await trace.settle();
  const times = trace.events
    .slice(stepped)
    .filter(({ src_pid, dst_pid }) => src_pid === sender.pid && dst_pid === sender.pid)
    .map(({ time }) => Date.parse(time));
  expect(times).toHaveLength(1);
  expect(times[0]).toBeGreaterThanOrEqual(from - TIME_ERROR);
  expect(times[0]).toBeLessThanOrEqual(to + TIME_ERROR);
  await trace.stop();
});

test.each(steps.slice(0, 2))("--duration is none the wiser for a clock set %s", async (_, seconds) => {
  using ipcdump = await Ipcdump.tracing(["-t", "signal", "--backend", BACKEND, "--duration", "2"]);
  setClock(Date.now() + seconds * 1000);
  expect(await ipcdump.ended()).toBe(0);
  expect(ipcdump.stderr.at(-1)).toMatch(/^\d+ events in [2-9]\.\d s /);
});
