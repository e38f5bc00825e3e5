/** Row 5: the same with many sockets and processes on the machine. */
import { readFileSync } from "node:fs";
import { lines } from "../harness/lines.ts";
import { programPath } from "../harness/programs.ts";
import type { Bench } from "./bench.ts";
import { type Figure, figure, median } from "./figure.ts";
import { startTime } from "./start.ts";
import { counted, Tracer } from "./tracer.ts";
import { ipcdump } from "./tracers.ts";
import { pingPong, run } from "./workload.ts";

const SIZES = [10, 1000, 50_000];
const ROUND_TRIPS = 100_000;

export async function growth(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  let few: number | undefined;
  for (const size of SIZES) {
    const processes = Math.min(size, mostProcesses());
    const crowd = await assemble(size, processes);
    try {
      const [starts, costs]: [number[], number[]] = [[], []];
      const all = ipcdump(bench, "all", []);
      for (let round = 0; round < bench.rounds; round++) {
        starts.push(await startTime(bench, all.words, all.ready));
        const tracer = await Tracer.start(bench, all);
        await run(bench, pingPong(bench, "unix", 64, ROUND_TRIPS));
        const { said, cpu } = await tracer.stop();
        costs.push(cpu / counted(said).events);
      }
      few ??= median(costs);
      const name = `${size.toLocaleString("en-US")} sockets, ${processes.toLocaleString("en-US")} processes`;
      figures.push(
        figure(5, `start to tracing with ${name}`, starts, " ms"),
        figure(5, `CPU per unix event with ${name}`, costs, " ns"),
      );
      if (size > SIZES[0]!)
        figures.push(
          figure(
            5,
            `the same, to that with 10`,
            costs.map((each) => each / few!),
            "×",
            1.2,
          ),
        );
      for (const each of figures.slice(-3))
        bench.say(`${each.name}: ${each.value.toPrecision(3)}${each.unit}`);
    } finally {
      await crowd.leave();
    }
  }
  return figures;
}

/** Half of the pids there are, and of memory (they take some 200 KB each). */
function mostProcesses(): number {
  const pids = Number(readFileSync("/proc/sys/kernel/pid_max", "utf8"));
  const kilobytes = Number(/MemAvailable:\s*(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]);
  return Math.floor(Math.min(pids / 2, kilobytes / 2 / 200));
}

async function assemble(sockets: number, processes: number): Promise<{ leave(): Promise<unknown> }> {
  const child = Bun.spawn([await programPath("crowd"), String(sockets), String(processes)], {
    stdin: "pipe",
    stdout: "pipe",
  });
  for await (const line of lines(child.stdout)) if (line === "ready") break;
  return {
    leave: async () => {
      child.stdin.end();
      await child.exited;
    },
  };
}
