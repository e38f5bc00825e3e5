/** Row 2: how much slower the traced programs run. */
import { rmSync } from "node:fs";
import type { Bench } from "./bench.ts";
import { type Figure, figure, ratios } from "./figure.ts";
import { reference } from "./reference.ts";
import { type Command, counted, Tracer } from "./tracer.ts";
import { bpftrace, ipcdump, isInstalled, LETS_NOTHING_THROUGH, scratchFile, strace } from "./tracers.ts";
import { type Channel, flood, KINDS, pingPong, run, spin, type Took, type Workload } from "./workload.ts";

const ROUND_TRIPS = 100_000;
/** strace takes some hundred times as long */
const STRACED_ROUND_TRIPS = 4000;
const MESSAGES = 300_000;
const CALLS = 4_000_000;
const STEPS = 300_000_000;

interface Case {
  name: string;
  tracer: Command;
  target: number | null;
  /** another case, whose runs it is compared with as well; the target is that of this then */
  beyond?: string;
}

export async function slowdown(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  const hasBpftrace = isInstalled("bpftrace") && !bench.inVm && (await works(bench, bpftrace()));
  for (const channel of Object.keys(KINDS) as Channel[]) {
    const kept = channel === "pipe" ? 1.3 : 1.2;
    const cases: Case[] = [
      { name: "everything to a file", tracer: ipcdump(bench, "all", []), target: kept },
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
    figures.push(...(await compare(bench, pingPong(bench, channel, 64, ROUND_TRIPS), cases)));
    if (isInstalled("strace") && !bench.inVm) {
      figures.push(...(await straced(bench, pingPong(bench, channel, 64, STRACED_ROUND_TRIPS))));
    }
  }
  const everything: Case = { name: "everything to a file", tracer: ipcdump(bench, "all", []), target: null };
  for (const size of [10, 4096, 65536]) {
    const trips = size > 10_000 ? ROUND_TRIPS / 5 : ROUND_TRIPS;
    figures.push(...(await compare(bench, pingPong(bench, "pipe", size, trips), [everything])));
  }
  for (const channel of Object.keys(KINDS) as Channel[]) {
    for (const size of [64, 65536]) {
      const messages = size > 10_000 ? MESSAGES / 20 : MESSAGES;
      figures.push(...(await compare(bench, flood(bench, channel, size, messages), [everything])));
    }
  }
  figures.push(
    ...(await compare(bench, spin(bench, "getppid", CALLS), [everything])),
    ...(await compare(bench, spin(bench, "compute", STEPS), [{ ...everything, target: 1.02 }])),
    ...(await compare(bench, spin(bench, "mutex", CALLS), [everything])),
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

/** Every case between two untraced runs, by turns. */
async function compare(bench: Bench, workload: Workload, cases: readonly Case[]): Promise<Figure[]> {
  const took = cases.map(() => ({ traced: [] as Took[], plain: [] as Took[], lost: 0 }));
  for (let round = 0; round < bench.rounds; round++) {
    let before = await run(bench, workload);
    for (const [i, { tracer: command }] of cases.entries()) {
      const tracer = await Tracer.start(bench, command);
      took[i]!.traced.push(await run(bench, workload));
      const { said } = await tracer.stop();
      const after = await run(bench, workload);
      took[i]!.plain.push({ wall: (before.wall + after.wall) / 2, cpu: (before.cpu + after.cpu) / 2 });
      before = after;
      if (command.name !== "bpftrace") took[i]!.lost += counted(said).lost;
    }
  }
  return cases.flatMap(({ name, target, beyond }, i) => {
    const { traced, plain, lost } = took[i]!;
    const wall = ratios(
      traced.map((each) => each.wall),
      plain.map((each) => each.wall),
    );
    const cpu = ratios(
      traced.map((each) => each.cpu),
      plain.map((each) => each.cpu),
    );
    // by the CPU time of both processes, which are alone on their core: on a quiet machine that is the clock's
    const note = `by the clock ${figure(2, "", wall, "").value.toPrecision(3)}×; ${lost} lost`;
    const title = `slowdown of ${workload.name}: ${name}`;
    const made = [figure(2, title, cpu, "×", beyond === undefined ? target : null, note)];
    if (beyond !== undefined) {
      const base = took[cases.findIndex((other) => other.name === beyond)]!.traced;
      const further = ratios(
        traced.map((each) => each.cpu),
        base.map((each) => each.cpu),
      );
      made.push(figure(2, `${title}, to ${beyond}`, further, "×", target));
    }
    for (const each of made) bench.say(`${each.name}: ${each.value.toPrecision(3)}, ${each.note}`);
    return made;
  });
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
