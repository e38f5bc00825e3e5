import { expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import { inVm } from "../harness/programs.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

const KINDS = ["unix-stream", "unix-dgram", "unix-seqpacket", "loopback-tcp"];

test("receivers whose other threads refer to the same socket", async () => {
  const count = inVm ? 50 : 3000;
  const flags = ["-t", KINDS.join(), "-f", "json", "--backend", BACKEND, "-D", "refreceiver"];
  using ipcdump = await Ipcdump.tracing(flags);
  await run("referred", String(count));
  ipcdump.kill("SIGINT");
  expect(await ipcdump.ended()).toBe(0);
  const values = ipcdump.stdout.map((line) => JSON.parse(line));
  expect(values.filter((value) => "lost_type" in value)).toEqual([]);
  const told = values.map(
    ({ type, src_comm, meta }) => `${type} ${src_comm} ${meta.count} ${meta.dst_guess}`,
  );
  expect(
    KINDS.map((kind) => [kind, told.filter((line) => line === `${kind} refsender 8 undefined`).length]),
  ).toEqual(KINDS.map((kind) => [kind, count]));
  expect(told.length).toBe(KINDS.length * count);
});
