/**
 * Rewrites the table of docs/cost.md from dist/bench.json, which test/bench/run.ts writes.
 *
 *   bun test/bench/page.ts
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeMarked } from "../docs/marked.ts";
import type { Figure } from "./figure.ts";
import { table } from "./table.ts";

const ROOT = join(import.meta.dir, "../..");
const RESULTS = join(ROOT, "dist/bench.json");

/** What test/bench/run.ts writes. */
interface Results {
  kernel: string;
  backend: string;
  rounds: number;
  scale: number;
  figures: Figure[];
}

if (import.meta.main) {
  const { kernel, backend, rounds, scale, figures } = JSON.parse(readFileSync(RESULTS, "utf8")) as Results;
  const work = scale === 1 ? "" : `, with ${scale} of the usual work`;
  const made = `Linux ${/^[\d.]+/.exec(kernel)?.[0]}, ${backend} back end, medians of ${rounds} rounds${work}.\n\n${table(figures)}\n`;
  process.stdout.write(made);
  writeMarked("docs/cost.md", "bench", made);
}
