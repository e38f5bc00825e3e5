/** Every filter that the kernel knows leaves the ring alone for events that can't pass. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { FlagName } from "../../src/command/flags.ts";
import { PATIENCE } from "../harness/condition.ts";
import { FULL } from "../harness/full.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(5 * PATIENCE);

const SIGNALS = FULL ? 2_000_000 : 100_000;
/** at a time, for a busy machine to come to their end */
const PART = 20_000;
const byIdentity = /exe|user|unit|container|cgroup/;
/** less than the 72 bytes that an event takes; those by who a process is have a record for each program that anybody starts meanwhile */
const mostPerSignal = (line: string): number => (byIdentity.test(line) ? 20 : 0);

/**
 * Nothing that a process called quiet sends to itself passes; Q is its pid, and no signal of another process matters:
 * nobody on the machine has a name that these patterns are for.
 */
const filters: readonly string[] = [
  "-p 1",
  "-s 1",
  "-d 1",
  "-P quiz*",
  "-S quie",
  "-D qui?",
  "-p Q --not-pid Q",
  "-p Q --not-src-pid Q",
  "-p Q --not-dst-pid Q",
  "-p Q --not-comm qui*",
  "-p Q --not-src-comm quiet",
  "-p Q --not-dst-comm [p-r]uiet",
  "-p Q --no-self",
  "-p Q --signal TERM",
  "-p Q --not-signal WINCH",
  "-p Q --exe nothing",
  "-p Q --not-exe */quiet",
  "-p Q --src-user 54321",
  "-p Q --not-user 0",
  "-p Q --dst-unit nothing",
  "-p Q --container 0123456789ab",
  "-p Q --src-cgroup /nowhere",
  "-p Q --not-cgroup /",
];

/** Asks what went through each ring by now. */
async function rings(tracers: readonly Ipcdump[]): Promise<number[]> {
  const said = (tracer: Ipcdump) => tracer.stderr.filter((line) => line.startsWith("ring: "));
  return Promise.all(
    tracers.map(async (tracer) => {
      const { length } = said(tracer);
      tracer.kill("SIGUSR1");
      const line = await tracer.until("its ring line", () => said(tracer)[length]);
      return Number(/^ring: (\d+) bytes$/.exec(line)?.[1]);
    }),
  );
}

test(`${SIGNALS} signals that can't pass, with each filter`, async () => {
  using quiet = await Workload.start("quiet", "signals");
  await quiet.untilWaiting();
  const tracers = await Promise.all(
    filters.map((line) => {
      const words = line.split(" ").map((word) => (word === "Q" ? `${quiet.pid}` : word));
      return Ipcdump.tracing(["-v", "-t", "signal", "-f", "json", "--backend", BACKEND, ...words]);
    }),
  );
  try {
    // those by who a process is have to be told of it once
    let before = await rings(tracers);
    const loud = async (signals: number): Promise<string[]> => {
      for (let sent = 0; sent < signals; sent += PART) await quiet.proceed(`${PART}`);
      const now = await rings(tracers);
      const [least, most] = [before, now];
      before = now;
      return filters.filter((line, i) => most[i]! - least[i]! > mostPerSignal(line) * signals);
    };
    while ((await loud(PART)).length > 0);
    expect(await loud(SIGNALS)).toEqual([]);
    for (const tracer of tracers) tracer.kill("SIGINT");
    expect(await Promise.all(tracers.map((tracer) => tracer.ended()))).toEqual(filters.map(() => 0));
    expect(tracers.flatMap(({ stdout }) => stdout)).toEqual([]);
  } finally {
    for (const tracer of tracers) tracer[Symbol.dispose]();
  }
});

test("each filter of processes and of signals is in a row above, but what needs user space", () => {
  const short: Record<string, FlagName> = {
    p: "pid",
    s: "src-pid",
    d: "dst-pid",
    P: "comm",
    S: "src-comm",
    D: "dst-comm",
  };
  const tried = new Set(
    filters.flatMap((line) =>
      line
        .split(" ")
        .filter((word) => word.startsWith("-"))
        .map((word) => short[word.slice(1)] ?? word.slice(2)),
    ),
  );
  const described = ["exe", "user", "unit", "container", "cgroup"];
  const wanted = [...Object.values(short), "not-pid", "not-comm", "no-self", "signal", "not-signal"];
  for (const end of ["src", "dst"]) wanted.push(`not-${end}-pid`, `not-${end}-comm`);
  expect(wanted.filter((flag) => !tried.has(flag))).toEqual([]);
  for (const name of described)
    expect([...tried].some((flag) => flag === name || flag.endsWith(`-${name}`))).toBe(true);
});
