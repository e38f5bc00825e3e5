import { expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import { inVm } from "../harness/programs.ts";
import { play } from "../harness/random.ts";

setDefaultTimeout(3 * PATIENCE);

const KINDS = "pipe,unix,loopback,signal";

/** Events and bytes of each sender and kind: who received is up to the tracer where it guesses. */
class Table {
  readonly #rows = new Map<string, { events: number; bytes: number }>();

  add({ type, src_pid, src_comm }: Record<string, string | number>, events: number, bytes: number): void {
    const key = `${type} ${src_pid}(${src_comm})`;
    const row = this.#rows.get(key) ?? { events: 0, bytes: 0 };
    row.events += events;
    row.bytes += bytes;
    this.#rows.set(key, row);
  }

  get rows(): string[] {
    return [...this.#rows].map(([key, { events, bytes }]) => `${key}: ${events} of ${bytes} bytes`).sort();
  }
}

test("--summary, which the kernel adds up, is the sum of all events", async () => {
  const flags = ["-t", KINDS, "-f", "json", "--backend", BACKEND, "-S", "r[0-9]*.[0-9]*,kid"];
  using summary = await Ipcdump.tracing([...flags, "--summary", "-v"]);
  using each = await Ipcdump.tracing(flags);
  const { messages } = await play(1, inVm ? 500 : 2000);
  for (const ipcdump of [summary, each]) ipcdump.kill("SIGINT");
  expect(await Promise.all([summary.ended(), each.ended()])).toEqual([0, 0]);
  const sums = new Table();
  const added = new Table();
  let lost = 0;
  for (const line of summary.stdout) {
    const row = JSON.parse(line);
    lost += row.lost;
    if (row.events > 0) sums.add(row, row.events, row.bytes);
  }
  // a kernel skips programs where an interrupt came while another one ran, and says how many: nothing else may be lost
  const reasons = lost > 0 ? [`lost: ${lost} probe_missed`] : [];
  expect(summary.stderr.filter((line) => line.startsWith("lost: "))).toEqual(reasons);
  let count = 0;
  for (const line of each.stdout) {
    const { meta, reason, ...ends } = JSON.parse(line);
    if (reason === "probe_missed") continue;
    added.add(ends, 1, meta.count ?? 0);
    count++;
  }
  expect(count).toBeGreaterThan(messages.size / 2);
  expect(sums.rows).toEqual(added.rows);
});
