/** Row 8: what everybody on the host pays, and those that talk, for one start of the tracer a round. */
import type { Backend } from "../../ffi/program.ts";
import type { Bench } from "./bench.ts";
import { type Figure, figure, ratios } from "./figure.ts";
import { Tracer } from "./tracer.ts";
import { ipcdump } from "./tracers.ts";
import { pingPong, run, type Spin, spin, type Workload } from "./workload.ts";

const CALLS = 2_000_000;
const ROUND_TRIPS = 60_000;

/** Once: `-t unix,loopback,pty`; then: every kind, for which a mutex is looked at and a pipe's is found. */
type Selection = "unix,loopback,pty" | "all";
const SELECTIONS: readonly Selection[] = ["unix,loopback,pty", "all"];

/** With function hooks alone: where every system call is looked at, everybody pays. */
function target(bench: Bench, what: Spin, kinds: Selection): number | null {
  if (bench.backend === "tracepoint") return null;
  if (what === "mutex") return kinds !== "all" ? 1.03 : bench.backend === "fentry" ? 1.36 : 1.05;
  return what === "open" ? 1.07 : 1.01;
}

/** Of those that talk, traced to a file. */
const TALKERS: Readonly<Record<Backend, Readonly<Record<"pipe" | "unix" | "tcp", number | null>>>> = {
  fentry: { pipe: null, unix: 1.35, tcp: 1.25 },
  kprobe: { pipe: null, unix: null, tcp: null },
  tracepoint: { pipe: 1.5, unix: 1.3, tcp: 1.25 },
};

export async function others(bench: Bench): Promise<Figure[]> {
  const spins = (["getppid", "devices", "mutex", "open"] as const).map((what) => ({
    workload: spin(bench, what, what === "getppid" || what === "mutex" ? CALLS : CALLS / 4),
    target: (kinds: Selection) => target(bench, what, kinds),
  }));
  const talks = (["pipe", "unix", "tcp"] as const).map((channel) => ({
    workload: pingPong(bench, channel, 64, ROUND_TRIPS),
    target: () => TALKERS[bench.backend][channel],
  }));
  const all = [...spins, ...talks];
  const plain: number[][] = all.map(() => []);
  const traced = SELECTIONS.map(() => all.map((): number[] => []));
  const each = async (into: number[][]) => {
    for (const [i, { workload }] of all.entries()) into[i]!.push(await took(bench, workload));
  };
  for (let round = 0; round < bench.rounds; round++) {
    await each(plain);
    for (const [i, kinds] of SELECTIONS.entries()) {
      const tracer = await Tracer.start(bench, ipcdump(bench, kinds, []));
      await each(traced[i]!);
      await tracer.stop();
    }
  }
  const figures = SELECTIONS.flatMap((kinds, i) =>
    all.map(({ workload, target: most }, j) => {
      const each = plain[j]!.map((cpu) => cpu / workload.count);
      const unit = bench.countsInstructions ? "instructions" : "ns";
      const note = `untraced ${Math.round(figure(8, "", each, "").value)} ${unit}`;
      const name = `CPU time of ${workload.name}, -t ${kinds}`;
      return figure(8, name, ratios(traced[i]![j]!, plain[j]!), "×", most(kinds), note);
    }),
  );
  for (const made of figures) bench.say(`${made.name}: ${made.value.toPrecision(4)}, ${made.note}`);
  return figures;
}

async function took(bench: Bench, workload: Workload): Promise<number> {
  return (await run(bench, workload)).cpu;
}
