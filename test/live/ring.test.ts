import { expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import type { LostLine, TraceEvent } from "../harness/trace.ts";

setDefaultTimeout(1.2 * PATIENCE);

/** ipcdump with a ring of 64 KB, which did not run while a script of the shell did. */
async function stoppedFor(script: string, ...flags: string[]): Promise<Ipcdump> {
  using ipcdump = await Ipcdump.tracing([...flags, "--backend", BACKEND, "--ring", "64K"]);
  ipcdump.kill("SIGSTOP");
  expect(Bun.spawnSync(["sh", "-c", script]).exitCode).toBe(0);
  ipcdump.kill("SIGCONT");
  ipcdump.kill("SIGINT");
  expect(await ipcdump.ended()).toBe(0);
  return ipcdump;
}

test("contents leave the ring's last part to events", async () => {
  const script = "dd if=/dev/zero bs=4096 count=60 status=none | dd bs=4096 of=/dev/null status=none";
  const ipcdump = await stoppedFor(script, "-t", "pipe", "-x", "-f", "json", "-S", "dd");
  const lines: (TraceEvent | LostLine)[] = ipcdump.stdout.map((line) => JSON.parse(line));
  const lost = lines.filter((line) => "lost_type" in line);
  // what the kernel skipped is the machine's doing, and was reported: nothing else may be lost
  expect(lost.filter(({ reason }) => reason !== "probe_missed")).toEqual([]);
  const missed = lost.reduce((sum, { count }) => sum + count, 0);
  const metas = lines.filter((line) => "meta" in line).map(({ meta }) => meta);
  expect(ipcdump.stderr.join("\n")).toMatch(
    new RegExp(`^${metas.length} events in .*, ${missed} lost$`, "m"),
  );
  expect(metas.map(({ count }) => count)).toEqual(Array(metas.length).fill(4096));
  expect(metas.length).toBeWithin(60 - missed, 60 + 1);
  // some contents are there, the others had no room
  expect(new Set(metas.map(({ captured }) => captured))).toEqual(new Set([undefined, 0]));
});

test("a new name that has no room in it is counted: whoever is looked up may be called by it too early", async () => {
  const script = "n=0; while [ $n -lt 5000 ]; do n=$((n+1)); echo renamed$n > /proc/$$/comm; done";
  const ipcdump = await stoppedFor(script, "-t", "unix-stream", "-S", "nobody");
  const [, lost] = /lost unknown: count (\d+), reason ring_full/.exec(ipcdump.transcript()) ?? [];
  expect(Number(lost)).toBeGreaterThan(2000);
});
