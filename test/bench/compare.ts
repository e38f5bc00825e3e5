/** What tracers make of a workload's time, by turns with the same work untraced. */
import type { Bench } from "./bench.ts";
import { type Figure, figure, ratios } from "./figure.ts";
import { type Command, counted, Tracer } from "./tracer.ts";
import { run, type Took, type Workload } from "./workload.ts";

/** A tracer beside which a workload runs. */
export interface TracedCase {
  name: string;
  tracer: Command;
  target: number | null;
  /** another case, whose runs it is compared with as well; the target is that of this then */
  beyond?: string;
}

/** Every case between two untraced runs, by turns. */
export async function compare(
  bench: Bench,
  row: number,
  workload: Workload,
  cases: readonly TracedCase[],
): Promise<Figure[]> {
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
    const made = [figure(row, title, cpu, "×", beyond === undefined ? target : null, note)];
    if (beyond !== undefined) {
      const base = took[cases.findIndex((other) => other.name === beyond)]!.traced;
      const further = ratios(
        traced.map((each) => each.cpu),
        base.map((each) => each.cpu),
      );
      made.push(figure(row, `${title}, to ${beyond}`, further, "×", target));
    }
    for (const each of made) bench.say(`${each.name}: ${each.value.toPrecision(3)}, ${each.note}`);
    return made;
  });
}
