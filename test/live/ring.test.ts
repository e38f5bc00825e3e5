import { expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";

setDefaultTimeout(1.2 * PATIENCE);

test("contents leave the ring's last part to events", async () => {
  const flags = ["-t", "pipe", "--backend", BACKEND, "-x", "-f", "json", "--ring", "64K", "-S", "dd"];
  using ipcdump = await Ipcdump.tracing(flags);
  ipcdump.kill("SIGSTOP");
  const script = "dd if=/dev/zero bs=4096 count=60 status=none | dd bs=4096 of=/dev/null status=none";
  expect(Bun.spawnSync(["sh", "-c", script]).exitCode).toBe(0);
  ipcdump.kill("SIGCONT");
  ipcdump.kill("SIGINT");
  expect(await ipcdump.ended()).toBe(0);
  expect(ipcdump.stderr.join("\n")).toMatch(/^60 events in .*, 0 lost$/m);
  const metas = ipcdump.stdout.map((line) => JSON.parse(line).meta);
  expect(metas.map(({ count }) => count)).toEqual(Array(60).fill(4096));
  // some contents are there, the others had no room
  expect(new Set(metas.map(({ captured }) => captured))).toEqual(new Set([undefined, 0]));
});

test("a new name that has no room in it is counted: whoever is looked up may be called by it too early", async () => {
  const flags = ["-t", "unix-stream", "--backend", BACKEND, "--ring", "64K", "-S", "nobody"];
  using ipcdump = await Ipcdump.tracing(flags);
  ipcdump.kill("SIGSTOP");
  const script = "n=0; while [ $n -lt 5000 ]; do n=$((n+1)); echo renamed$n > /proc/$$/comm; done";
  expect(Bun.spawnSync(["sh", "-c", script]).exitCode).toBe(0);
  ipcdump.kill("SIGCONT");
  ipcdump.kill("SIGINT");
  expect(await ipcdump.ended()).toBe(0);
  const [, lost] = /lost unknown: count (\d+), reason ring_full/.exec(ipcdump.transcript()) ?? [];
  expect(Number(lost)).toBeGreaterThan(2000);
});
