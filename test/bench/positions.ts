/** Row 9, more of it: whether what is joined by position is complete and right at a high rate, and what it keeps. */
import { readFileSync } from "node:fs";
import { programPath } from "../harness/programs.ts";
import type { Bench } from "./bench.ts";
import { type Figure, figure } from "./figure.ts";
import { resident } from "./start.ts";
import { counted, Tracer } from "./tracer.ts";
import { ipcdump } from "./tracers.ts";
import { KINDS, run, sharedPingPong } from "./workload.ts";

const WORKERS = 4;
const CONNECTIONS = 20_000;
const A_SECOND = 1000;
const POSITIONS = 10_000_000;

/** Of an event with its contents as text. */
interface Seen {
  src_comm: string;
  dst_pid: number;
  meta: { dst_guess?: boolean };
  text?: string;
}

/** Connections that are accepted by whichever of several processes comes first. */
export async function connections(bench: Bench, channel: "unix" | "tcp"): Promise<Figure[]> {
  const [unseen, wrong, guessed]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < bench.rounds; round++) {
    const tracer = await Tracer.start(bench, ipcdump(bench, KINDS[channel], ["-f", "json", "-A"]));
    const workers = await served(bench, channel);
    const took = new Map<string, Seen>();
    const { said } = await tracer.stop((output) => {
      for (const line of readFileSync(output, "utf8").split("\n")) {
        if (!line.includes(`"src_comm":"preforked"`)) continue;
        const event: Seen = JSON.parse(line);
        took.set(event.text ?? "", event);
      }
    });
    const judged = [...workers].map(([request, worker]) => {
      const event = took.get(request);
      if (event === undefined) return "unseen";
      if (event.meta.dst_guess) return "guessed";
      return event.dst_pid === worker ? "right" : "wrong";
    });
    const count = (verdict: string) => judged.filter((each) => each === verdict).length;
    unseen.push(Math.max(count("unseen"), counted(said).lost));
    wrong.push(count("wrong"));
    guessed.push(count("guessed"));
  }
  const name = `${channel}, ${A_SECOND} connections a second to ${WORKERS} forked processes`;
  const figures = [
    figure(9, `${name}: lost or not seen`, unseen, " events", 0),
    figure(9, `${name}: named wrongly`, wrong, " events", 0),
    figure(9, `${name}: guessed`, guessed, " events", 0),
  ];
  for (const each of figures) bench.say(`${each.name}: ${each.value}`);
  return figures;
}

/** Runs them; which process had each request, as they themselves say. */
async function served(bench: Bench, channel: string): Promise<Map<string, number>> {
  const count = Math.round(CONNECTIONS * bench.scale);
  const words = [bench.cpu, channel, WORKERS, count, A_SECOND].map(String);
  const child = Bun.spawn([await programPath("preforked"), ...words], { stdin: "ignore", stdout: "pipe" });
  const [out, status] = await Promise.all([child.stdout.text(), child.exited]);
  const workers = new Map<string, number>();
  for (const [, request = "", worker] of out.matchAll(/^(\d+) (\d+)$/gm))
    workers.set(request, Number(worker));
  if (status !== 0 || workers.size !== count) throw new Error(`preforked ${words.join(" ")}: ${status}`);
  return workers;
}

/** What the tracer keeps of messages to an end that several processes have. */
export async function kept(bench: Bench, channel: "unix" | "tcp"): Promise<Figure> {
  const tracer = await Tracer.start(bench, ipcdump(bench, KINDS[channel], [], "/dev/null"));
  await run(bench, sharedPingPong(bench, channel, 64, POSITIONS / 20));
  const early = resident(tracer.pid);
  await run(bench, sharedPingPong(bench, channel, 64, POSITIONS / 2));
  const growth = resident(tracer.pid) - early;
  await tracer.stop();
  const millions = (POSITIONS * bench.scale) / 1e6;
  const name = `${channel}: resident memory, growth from a tenth of them to ${millions} million positions`;
  const made = figure(9, name, [growth], " MB", 5);
  bench.say(`${made.name}: ${growth.toPrecision(3)}`);
  return made;
}
