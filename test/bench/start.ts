/** Row 4: from the start to `tracing`, to the first event; memory and CPU time of a long run. */
import { existsSync, readFileSync } from "node:fs";
import { Ipcdump, STATIC } from "../harness/ipcdump.ts";
import type { Bench } from "./bench.ts";
import { type Figure, figure, median, ratios } from "./figure.ts";
import { Tracer } from "./tracer.ts";
import { bpftraceStart, ipcdump, isInstalled } from "./tracers.ts";
import { pingPong, run } from "./workload.ts";

const MEGABYTE = 2 ** 20;
const IDLE_SECONDS = 5;
const EVENTS = 10_000_000;
const FIRST_EVENTS = 20;

export async function start(bench: Bench): Promise<Figure[]> {
  // bun build.ts --static makes the other one
  const both = existsSync(STATIC) ? await toPlain(bench) : [];
  const other = isInstalled("bpftrace") ? await toBpftrace(bench) : [];
  const begun = [...(await starts(bench)), ...both, ...other, ...(await latencies(bench))];
  return bench.inVm ? begun : [...begun, ...(await footprint(bench))];
}

async function starts(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [kinds, target] of [
    ["all", 80],
    ["pipe", null],
  ] as const) {
    const command = ipcdump(bench, kinds, []);
    const values: number[] = [];
    for (let round = -1; round < roundsOf(bench); round++) {
      const took = await startTime(bench, command.words, command.ready);
      if (round >= 0) values.push(took); // the first one is to warm up
    }
    figures.push(figure(4, `start to tracing, -t ${kinds}`, values, " ms", target));
    bench.say(`${figures.at(-1)!.name}: ${Math.round(figures.at(-1)!.value)} ms`);
  }
  return figures;
}

/** How much longer dist/ipcdump-static takes than dist/ipcdump, by turns. */
async function toPlain(bench: Bench): Promise<Figure[]> {
  const { words, ready } = ipcdump(bench, "pipe", []);
  return byTurns(bench, "start to tracing, -t pipe, static to plain", 1.2, [
    () => startTime(bench, [STATIC, ...words.slice(1)], ready),
    () => startTime(bench, words, ready),
  ]);
}

/** How much longer all kinds take than two tracepoints of bpftrace, by turns. */
async function toBpftrace(bench: Bench): Promise<Figure[]> {
  const { words, ready } = ipcdump(bench, "all", []);
  return byTurns(bench, "start to tracing, -t all, to bpftrace", 1.5, [
    () => startTime(bench, words, ready),
    () => startTime(bench, bpftraceStart, "ready"),
  ]);
}

/** What the first takes to what the second does. */
async function byTurns(
  bench: Bench,
  name: string,
  target: number,
  [first, second]: readonly [() => Promise<number>, () => Promise<number>],
): Promise<Figure[]> {
  const [these, those]: [number[], number[]] = [[], []];
  for (let round = -1; round < roundsOf(bench); round++) {
    const [one, other] = [await first(), await second()];
    if (round < 0) continue;
    these.push(one);
    those.push(other);
  }
  const made = figure(4, name, ratios(these, those), " ×", target, `${Math.round(median(those))} ms`);
  bench.say(`${made.name}: ${made.value.toPrecision(3)} ×, of ${made.note}`);
  return [made];
}

/** An emulated processor takes that much longer for a start. */
function roundsOf({ inVm, rounds }: Bench): number {
  return inVm ? 2 : rounds * 2;
}

/** In milliseconds, as whoever started it sees the line. */
export async function startTime(bench: Bench, words: readonly string[], ready: string): Promise<number> {
  const before = performance.now();
  const child = Bun.spawn(
    words.map((word) => (word === "OUT" ? `${bench.folder}/ipcdump-bench-${process.pid}.out` : word)),
    { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  let said = "";
  for await (const chunk of child.stderr) {
    said += new TextDecoder().decode(chunk);
    if (said.includes(ready)) break;
  }
  const took = performance.now() - before;
  child.kill("SIGINT");
  await child.exited;
  if (!said.includes(ready)) throw new Error(`never said "${ready}": ${said}`);
  return took;
}

/** From an event of its own that nothing came before for a while to the line in hand. */
async function latencies(bench: Bench): Promise<Figure[]> {
  const values: number[] = [];
  using tracing = await Ipcdump.tracing([
    "--backend",
    bench.backend,
    "-t",
    "signal",
    "-f",
    "json",
    "-s",
    String(process.pid),
  ]);
  for (let i = 0; i < FIRST_EVENTS; i++) {
    await Bun.sleep(100 + i);
    const arrived = Promise.withResolvers<number>();
    tracing.onLine = () => arrived.resolve(performance.now());
    const before = performance.now();
    process.kill(process.pid, "SIGURG");
    values.push((await arrived.promise) - before);
  }
  tracing.kill("SIGINT");
  await tracing.ended();
  const made = figure(4, "from an event to its line, nothing before it", values, " ms", 5);
  bench.say(`${made.name}: ${made.value.toPrecision(3)} ms`);
  return [made];
}

async function footprint(bench: Bench): Promise<Figure[]> {
  const [idle, growth, share]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < Math.min(bench.rounds, 2); round++) {
    // of a kind that nothing here uses: an idle machine is what others' work would spoil
    const quiet = await Tracer.start(bench, ipcdump(bench, "unix-seqpacket", []));
    await Bun.sleep(1000);
    const before = quiet.cpu;
    await Bun.sleep(IDLE_SECONDS * 1000);
    share.push((100 * (quiet.cpu - before)) / (IDLE_SECONDS * 1e9));
    await quiet.stop();

    const tracer = await Tracer.start(bench, ipcdump(bench, "pipe", [], "/dev/null"));
    await Bun.sleep(1000);
    idle.push(resident(tracer.pid));
    await run(bench, pingPong(bench, "pipe", 64, EVENTS / 20));
    const early = resident(tracer.pid);
    await run(bench, pingPong(bench, "pipe", 64, EVENTS / 2));
    growth.push(resident(tracer.pid) - early);
    await tracer.stop();
  }
  const millions = Math.round((EVENTS * bench.scale) / 1e5) / 10;
  const figures = [
    figure(4, "resident memory, idle", idle, " MB", 70),
    figure(4, `resident memory, growth from a tenth of them to ${millions} million events`, growth, " MB", 5),
    figure(4, "CPU when nothing happens", share, " %", 0.3),
  ];
  for (const each of figures) bench.say(`${each.name}: ${each.value.toPrecision(3)}${each.unit}`);
  return figures;
}

export function resident(pid: number): number {
  const kilobytes = /^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return (Number(kilobytes) * 1024) / MEGABYTE;
}
