/** Row 1: what an event costs the tracer in CPU time, against plain C that prints the same. */
import type { Bench } from "./bench.ts";
import { type Figure, figure, ratios } from "./figure.ts";
import { type Form, reference } from "./reference.ts";
import { type Command, counted, Tracer } from "./tracer.ts";
import { ipcdump } from "./tracers.ts";
import { type Channel, KINDS, pingPong, run } from "./workload.ts";

const ROUND_TRIPS = 1_000_000;
const TARGET = 0.6;

interface Mode {
  name: string;
  words: readonly string[];
  form: Form;
  bytes: number;
  channel: Channel;
  target: number | null;
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
  { name: "--summary", words: ["--summary"], form: "count", bytes: -1, channel: "pipe", target: null },
];

export async function cost(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const mode of MODES) {
    const kind = KINDS[mode.channel];
    const ours = ipcdump(bench, kind, mode.words);
    const theirs = await reference(bench, kind, mode.form, mode.bytes);
    const [our, their]: [number[], number[]] = [[], []];
    for (let round = 0; round < bench.rounds; round++) {
      our.push(await perEvent(bench, ours, mode.channel));
      their.push(await perEvent(bench, theirs, mode.channel));
    }
    const name = `CPU per event, ${mode.channel}, ${mode.name}`;
    figures.push(
      figure(1, `${name}: ipcdump / C`, ratios(our, their), "×", mode.target),
      figure(1, `${name}: ipcdump`, our, " ns"),
      figure(1, `${name}: C`, their, " ns"),
    );
    bench.say(`${name}: ${Math.round(figures.at(-2)!.value)} / ${Math.round(figures.at(-1)!.value)} ns`);
  }
  return figures;
}

async function perEvent(bench: Bench, command: Command, channel: Channel): Promise<number> {
  const tracer = await Tracer.start(bench, command);
  const workload = pingPong(bench, channel, 64, ROUND_TRIPS);
  await run(bench, workload);
  const { said, cpu } = await tracer.stop();
  const { events, lost } = counted(said);
  // events of others are few; a tracer that lost or missed some is not cheaper for it
  if (events + lost < workload.count * 2) throw new Error(`${command.name} saw ${events} events: ${said}`);
  return cpu / events;
}
