import { expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import { inVm } from "../harness/programs.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

test("new pipes whose two ends are used at once", async () => {
  const count = inVm ? 800 : 4000;
  const flags = ["-t", "pipe", "-f", "json", "--backend", BACKEND, "-D", "freshreader"];
  using ipcdump = await Ipcdump.tracing(flags);
  await run("fresh", String(count));
  ipcdump.kill("SIGINT");
  expect(await ipcdump.ended()).toBe(0);
  const values = ipcdump.stdout.map((line) => JSON.parse(line));
  const lost = values.filter((value) => "lost_type" in value);
  expect(lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
  const events = values.filter((value) => value.type === "pipe");
  const sure = lost.length > 0 ? events.filter(({ meta }) => meta.src_guess !== true) : events;
  const senders = sure.map(({ src_comm, meta }) => [src_comm, meta.count, meta.src_guess]);
  expect(new Set(senders.map(String))).toEqual(new Set([String(["freshwriter", 5, undefined])]));
  const missed = lost.reduce((sum, line) => sum + line.count, 0);
  expect(events.length + missed).toBeGreaterThanOrEqual(count);
});
