/** Row 2: how much slower the traced programs run. */
import { rmSync } from "node:fs";
import type { Bench } from "./bench.ts";
import { compare, type TracedCase } from "./compare.ts";
import { type Figure, figure } from "./figure.ts";
import { reference } from "./reference.ts";
import { type Command, Tracer } from "./tracer.ts";
import { bpftrace, ipcdump, isInstalled, LETS_NOTHING_THROUGH, scratchFile, strace } from "./tracers.ts";
import { type Channel, flood, KINDS, pingPong, run, spin, type Workload } from "./workload.ts";

const ROUND_TRIPS = 100_000;
/** strace takes some hundred times as long */
const STRACED_ROUND_TRIPS = 4000;
const MESSAGES = 300_000;
const CALLS = 4_000_000;
const STEPS = 300_000_000;
/** with tracepoints */
const TARGETS: Readonly<Record<Channel, number>> = { pipe: 1.5, unix: 1.3, tcp: 1.25 };

export async function slowdown(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  const hasBpftrace = isInstalled("bpftrace") && !bench.inVm && (await works(bench, bpftrace()));
  for (const channel of Object.keys(KINDS) as Channel[]) {
    const cases: TracedCase[] = [
      { name: "everything to a file", tracer: ipcdump(bench, "all", []), target: TARGETS[channel] },
      {
        name: "filtered out",
        tracer: ipcdump(bench, "all", LETS_NOTHING_THROUGH),
        target: 1.1,
        beyond: "programs that leave at once",
      },
      {
        name: "programs that leave at once",
        tracer: await reference(bench, KINDS[channel], "count", -1, true),
        target: null,
      },
      { name: `-t ${KINDS[channel]} to a file`, tracer: ipcdump(bench, KINDS[channel], []), target: null },
      { name: "C reference", tracer: await reference(bench, KINDS[channel], "text", -1), target: null },
    ];
    if (hasBpftrace) cases.push({ name: "bpftrace, no peer", tracer: bpftrace(), target: null });
    figures.push(...(await compare(bench, 2, pingPong(bench, channel, 64, ROUND_TRIPS), cases)));
    if (isInstalled("strace") && !bench.inVm) {
      figures.push(...(await straced(bench, pingPong(bench, channel, 64, STRACED_ROUND_TRIPS))));
    }
  }
  const everything: TracedCase = {
    name: "everything to a file",
    tracer: ipcdump(bench, "all", []),
    target: null,
  };
  for (const size of [10, 4096, 65536]) {
    const trips = size > 10_000 ? ROUND_TRIPS / 5 : ROUND_TRIPS;
    figures.push(...(await compare(bench, 2, pingPong(bench, "pipe", size, trips), [everything])));
  }
  for (const channel of Object.keys(KINDS) as Channel[]) {
    for (const size of [64, 65536]) {
      const messages = size > 10_000 ? MESSAGES / 20 : MESSAGES;
      figures.push(...(await compare(bench, 2, flood(bench, channel, size, messages), [everything])));
    }
  }
  figures.push(
    ...(await compare(bench, 2, spin(bench, "getppid", CALLS), [everything])),
    ...(await compare(bench, 2, spin(bench, "compute", STEPS), [{ ...everything, target: 1.02 }])),
    ...(await compare(bench, 2, spin(bench, "mutex", CALLS), [everything])),
  );
  return figures;
}

/** Whether a tracer that is installed runs here; one that does not is left out. */
async function works(bench: Bench, command: Command): Promise<boolean> {
  try {
    await (await Tracer.start(bench, command)).stop();
    return true;
  } catch (error) {
    bench.say(`${command.name} is left out: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

/** By the clock, for the time goes where the workload stands still. */
async function straced(bench: Bench, workload: Workload): Promise<Figure[]> {
  const output = scratchFile(bench, "strace");
  const values: number[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const plain = await run(bench, workload);
    const traced = await run(bench, workload, strace(output));
    values.push(traced.wall / plain.wall);
  }
  rmSync(output, { force: true });
  const made = figure(2, `slowdown of ${workload.name}: strace`, values, "×", null, "by the clock");
  bench.say(`${made.name}: ${made.value.toPrecision(3)}`);
  return [made];
}
