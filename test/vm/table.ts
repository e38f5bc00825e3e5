/**
 * Rewrites the table of kernels and back ends in docs/kernels.md from dist/matrix.json, which test/vm/run.ts writes.
 *
 *   bun test/vm/table.ts
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeMarked } from "../docs/marked.ts";
import { SERIES, seriesOf } from "./kernels.ts";
import { isOffered, PREEMPT } from "./plan.ts";
import { BACKENDS, type Matrix } from "./report.ts";

const ROOT = join(import.meta.dir, "../..");
const MATRIX = join(ROOT, "dist/matrix.json");

/** The Markdown table: a row for each kernel, oldest first, how many cases passed with each back end. */
export function table(matrix: Matrix): string {
  const releases = Object.keys(matrix).sort((a, b) => position(a) - position(b));
  const rows = releases.map((release) => [
    release,
    ...BACKENDS.map((backend) => {
      const series = seriesOf(release);
      return series && !isOffered(series, backend, release.endsWith(PREEMPT))
        ? "refused"
        : cell(matrix[release]?.[backend]);
    }),
  ]);
  const lines = [["kernel", ...BACKENDS], ["---", ...BACKENDS.map(() => "---")], ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function position(release: string): number {
  const series = seriesOf(release);
  return series === undefined ? SERIES.length : SERIES.indexOf(series);
}

function cell(verdicts: Record<string, string> | undefined): string {
  if (verdicts === undefined) return "not run";
  const all = Object.values(verdicts);
  const passed = all.filter((verdict) => verdict === "pass").length;
  return passed === all.length ? `all ${passed}` : `${passed} of ${all.length}`;
}

if (import.meta.main) {
  const made = table(JSON.parse(readFileSync(MATRIX, "utf8")));
  process.stdout.write(made);
  writeMarked("docs/kernels.md", "matrix", made);
}
