/** Row 1: what an event costs the tracer in CPU time, against plain C that prints the same. */
import type { Bench } from "./bench.ts";
import { type Figure, figure, ratios } from "./figure.ts";
import { type Form, reference } from "./reference.ts";
import { type Command, counted, Tracer } from "./tracer.ts";
import { ipcdump } from "./tracers.ts";
import { type Channel, KINDS, pingPong, run } from "./workload.ts";

/** what a tracer is warm after: Bun compiles while these pass */
const FIRST_ROUND_TRIPS = 100_000;
const ROUND_TRIPS = 200_000;
/** for the last events to be printed */
const SETTLING = 100;
const IDLE = 2000;
const TARGET = 0.6;

interface Mode {
  name: string;
  words: readonly string[];
  form: Form;
  bytes: number;
  channel: Channel;
  target: number | null;
  /** ns an event; of a tracer that has less to do than to look whether there is something */
  most?: number;
}

const MODES: readonly Mode[] = [
  { name: "text", words: [], form: "text", bytes: -1, channel: "pipe", target: TARGET },
  { name: "text", words: [], form: "text", bytes: -1, channel: "unix", target: TARGET },
  { name: "text", words: [], form: "text", bytes: -1, channel: "tcp", target: TARGET },
  { name: "json", words: ["-f", "json"], form: "json", bytes: -1, channel: "pipe", target: TARGET },
  {
    name: "json -x -B 64",
    words: ["-f", "json", "-x", "-B", "64"],
    form: "json",
    bytes: 64,
    channel: "pipe",
    target: null,
  },
  {
    name: "text -x -B 64",
    words: ["-x", "-B", "64"],
    form: "text",
    bytes: 64,
    channel: "pipe",
    target: null,
  },
  {
    name: "--summary",
    words: ["--summary"],
    form: "count",
    bytes: -1,
    channel: "pipe",
    target: null,
    most: 5,
  },
];

export async function cost(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const mode of MODES) {
    const kind = KINDS[mode.channel];
    const ours = ipcdump(bench, kind, mode.words);
    const theirs = await reference(bench, kind, mode.form, mode.bytes);
    const [our, their]: [Cost[], Cost[]] = [[], []];
    for (let round = 0; round < bench.rounds; round++) {
      our.push(await costOf(bench, ours, mode.channel, mode.most !== undefined));
      their.push(await costOf(bench, theirs, mode.channel));
    }
    const name = `CPU per event, ${mode.channel}, ${mode.name}`;
    const [ourWarm, theirWarm] = [our.map((each) => each.warm), their.map((each) => each.warm)];
    figures.push(
      figure(1, `${name}: ipcdump / C`, ratios(ourWarm, theirWarm), "×", mode.target),
      figure(
        1,
        `${name}: ipcdump`,
        ourWarm,
        " ns",
        mode.most ?? null,
        mode.most ? "less what it takes idle" : "",
      ),
      figure(1, `${name}: C`, theirWarm, " ns"),
      figure(
        1,
        `${name}: ipcdump, the first ${our[0]!.early.toLocaleString("en-US")}`,
        our.map((each) => each.first),
        " ns",
      ),
    );
    bench.say(
      `${name}: ${figures
        .slice(-3)
        .map(({ value }) => Math.round(value))
        .join(" / ")} ns`,
    );
  }
  return figures;
}

/** Of the time that passes, how much the tracer takes. */
async function idleShare(tracer: Tracer): Promise<number> {
  const before = tracer.cpu;
  const start = performance.now();
  await Bun.sleep(IDLE);
  return (tracer.cpu - before) / ((performance.now() - start) * 1e6);
}

/** CPU time an event, in nanoseconds: of the first ones, and of those after them. */
interface Cost {
  first: number;
  warm: number;
  /** how many the first ones were */
  early: number;
}

/** @param lessIdle without what it takes in the same time when nothing happens */
async function costOf(bench: Bench, command: Command, channel: Channel, lessIdle = false): Promise<Cost> {
  const tracer = await Tracer.start(bench, command);
  const before = tracer.cpu;
  // with less work it would not be warm
  const early = pingPong(bench.inVm ? bench : { ...bench, scale: 1 }, channel, 64, FIRST_ROUND_TRIPS);
  await run(bench, early);
  await Bun.sleep(SETTLING);
  const share = lessIdle ? await idleShare(tracer) : 0;
  const between = tracer.cpu;
  const start = performance.now();
  const late = pingPong(bench, channel, 64, ROUND_TRIPS);
  await run(bench, late);
  await Bun.sleep(SETTLING);
  const idle = share * (performance.now() - start) * 1e6;
  const after = tracer.cpu - idle;
  const { said } = await tracer.stop();
  const { events, lost } = counted(said);
  const made = (early.count + late.count) * 2;
  // events of others are few; a tracer that lost or missed some is not cheaper for it
  if (events + lost < made) throw new Error(`${command.name} saw ${events} of ${made} events: ${said}`);
  return {
    first: (between - before) / (early.count * 2),
    warm: (after - between) / (late.count * 2),
    early: early.count * 2,
  };
}
