/**
 * Rewrites README's table of costs from dist/bench.json, which test/bench/run.ts writes.
 *
 *   bun test/bench/readme.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Figure } from "./figure.ts";
import { table } from "./table.ts";

const ROOT = join(import.meta.dir, "../..");
const README = join(ROOT, "README.md");
const RESULTS = join(ROOT, "dist/bench.json");
const MARKERS = /(<!-- bench -->\n)[\s\S]*?(<!-- \/bench -->)/;

/** What test/bench/run.ts writes. */
interface Results {
  kernel: string;
  backend: string;
  rounds: number;
  scale: number;
  figures: Figure[];
}

if (import.meta.main) {
  const readme = readFileSync(README, "utf8");
  if (!MARKERS.test(readme)) throw new Error("README.md has no <!-- bench --> … <!-- /bench -->");
  const { kernel, backend, rounds, scale, figures } = JSON.parse(readFileSync(RESULTS, "utf8")) as Results;
  const work = scale === 1 ? "" : `, with ${scale} of the usual work`;
  const made = `Linux ${/^[\d.]+/.exec(kernel)?.[0]}, ${backend} back end, medians of ${rounds} rounds${work}.\n\n${table(figures)}\n`;
  process.stdout.write(made);
  writeFileSync(
    README,
    readme.replace(MARKERS, (_, open: string, close: string) => `${open}${made}${close}`),
  );
}
