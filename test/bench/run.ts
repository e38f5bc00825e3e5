import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { type Backend, backends } from "../../ffi/program.ts";
import { SERIES, type Series } from "../vm/kernels.ts";
import { type Bench, lastCpu, outputFolder, type Row } from "./bench.ts";
import { cost } from "./cost.ts";
import { type Figure, verdict } from "./figure.ts";
import { growth } from "./growth.ts";
import { identity } from "./identity.ts";
import { loss } from "./loss.ts";
import { others } from "./others.ts";
import { recording } from "./recording.ts";
import { slowdown } from "./slowdown.ts";
import { start } from "./start.ts";
import { table } from "./table.ts";
import { inMachine } from "./vm.ts";
import { waiting } from "./waiting.ts";

const USAGE = `usage: npm run bench -- [ROW]... [--quick] [--backend NAME] [--json FILE]
       npm run bench -- --vm KERNEL [--icount] [ROW]... [--quick]
  ROW        1 CPU per event, 2 slowdown, 3 loss, 4 start and memory, 5 growth, 6 recordings, 7 who, 8 others, 9 waiting;
             all without it (1, 2, 3 in a VM, 8 with --icount)
  --quick    less work, three rounds: for trying
  --backend  ${backends.join(", ")} (tracepoint)
  --vm       one of ${SERIES.join(", ")}: there, with fentry and with kprobe
  --icount   that VM counts instructions: repeats to 1 % whatever else this machine does
  --json     where the figures go (dist/bench.json)`;

const ROWS: readonly Row[] = [cost, slowdown, loss, start, growth, recording, identity, others, waiting];
const ROWS_IN_VM = ["1", "2", "3"];
const ROWS_COUNTED = ["8"];
const RESULTS = join(import.meta.dir, "../../dist/bench.json");
/** TCG is that much slower, and more */
const VM_SCALE = 0.05;

class UsageError extends Error {}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      backend: { type: "string", default: "tracepoint" },
      vm: { type: "string" },
      icount: { type: "boolean", default: false },
      json: { type: "string", default: RESULTS },
    },
  });
  const { quick, icount, json } = values;
  const unknown = positionals.find((row) => ROWS[Number(row) - 1] === undefined);
  if (unknown !== undefined) throw new UsageError(`no row ${unknown}`);
  if (values.vm !== undefined) {
    if (!SERIES.includes(values.vm as Series)) throw new UsageError(`no kernel ${values.vm}`);
    const rows = positionals.length > 0 ? positionals : icount ? ROWS_COUNTED : ROWS_IN_VM;
    process.exitCode = await inMachine(values.vm as Series, rows, { quick, icount });
    return;
  }
  if (!backends.includes(values.backend as Backend)) throw new UsageError(`no back end ${values.backend}`);
  const inVm = process.env.IPCDUMP_PROGRAMS !== undefined;
  if (icount && !inVm) throw new UsageError("--icount goes with --vm");
  const bench: Bench = {
    rounds: icount ? (quick ? 1 : 2) : quick ? 3 : 5,
    scale: (quick ? 0.2 : 1) * (inVm ? VM_SCALE : 1),
    backend: values.backend as Backend,
    cpu: lastCpu(),
    folder: outputFolder(),
    inVm,
    countsInstructions: icount,
    say,
  };
  const rows = positionals.length > 0 ? positionals.map((row) => ROWS[Number(row) - 1]!) : ROWS;
  const figures: Figure[] = [];
  for (const row of rows) figures.push(...(await row(bench)));
  process.stdout.write(`${table(figures)}\n`);
  const kernel = (await Bun.file("/proc/sys/kernel/osrelease").text()).trim();
  const results = figures.map((each) => ({ ...each, verdict: verdict(each) }));
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(
    json,
    `${JSON.stringify({ kernel, backend: bench.backend, rounds: bench.rounds, scale: bench.scale, figures: results }, null, 2)}\n`,
  );
}

try {
  await main(Bun.argv.slice(2));
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const wrongUsage = error instanceof UsageError || String(Object(error).code).startsWith("ERR_PARSE_ARGS");
  say(`test/bench: ${error.message}${wrongUsage ? `\n${USAGE}` : ""}`);
  process.exitCode = wrongUsage ? 2 : 1;
}
