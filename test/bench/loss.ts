/** Row 3: how many events a second come through, and whether the others are counted. */
import type { Bench } from "./bench.ts";
import { type Figure, figure } from "./figure.ts";
import { counted, Tracer } from "./tracer.ts";
import { ipcdump } from "./tracers.ts";
import { flood, pingPong, run, type Workload } from "./workload.ts";

const RINGS = ["1M", "16M", "64M"];
/** messages a second, tried from the top */
const RATES = [1_600_000, 800_000, 400_000, 200_000, 100_000, 50_000];
const SECONDS = 1;

export async function loss(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  const full = pingPong(bench, "pipe", 64, 300_000);
  for (const ring of RINGS) {
    const rates: number[] = [];
    const shares: number[] = [];
    const unaccounted: number[] = [];
    for (let round = 0; round < bench.rounds; round++) {
      const { events, lost, perSecond } = await traced(bench, full, ring);
      rates.push(perSecond);
      shares.push((100 * lost) / (events + lost));
      unaccounted.push(Math.max(0, full.count * 2 - events - lost));
    }
    const name = `pipe ping-pong at full speed, --ring ${ring}`;
    figures.push(
      figure(
        3,
        `${name}: lost`,
        shares,
        " %",
        0,
        `at ${Math.round(figure(3, "", rates, "").value)} events/s`,
      ),
      figure(3, `${name}: neither seen nor counted`, unaccounted, " events", 0),
    );
    bench.say(`${name}: ${figures.at(-2)!.value} % lost, ${figures.at(-2)!.note}`);
    figures.push(await highest(bench, ring));
  }
  return figures;
}

/** The highest of the rates at which nothing is lost, round by round. */
async function highest(bench: Bench, ring: string): Promise<Figure> {
  const best: number[] = [];
  let isFullSpeed = true;
  for (let round = 0; round < bench.rounds; round++) {
    let found = 0;
    for (const rate of RATES) {
      const { events, lost, perSecond } = await traced(
        bench,
        flood(bench, "pipe", 64, rate * SECONDS, rate),
        ring,
      );
      if (lost > 0 || events === 0) {
        isFullSpeed = false;
        continue;
      }
      found = Math.min(rate, perSecond);
      break;
    }
    best.push(found);
  }
  const note = isFullSpeed ? "as fast as one core can write them" : "";
  const made = figure(3, `highest rate without loss, one way, --ring ${ring}`, best, " events/s", null, note);
  bench.say(`${made.name}: ${made.value}`);
  return made;
}

async function traced(bench: Bench, workload: Workload, ring: string) {
  const tracer = await Tracer.start(bench, ipcdump(bench, "pipe", ["--ring", ring]));
  const { wall } = await run(bench, workload);
  const totals = counted((await tracer.stop()).said);
  return { ...totals, perSecond: (totals.events + totals.lost) / (wall / 1e9) };
}
