import { $ } from "bun";
import type { Boot } from "./boot.ts";
import type { Kernel } from "./kernels.ts";
import { PREEMPT } from "./plan.ts";
import { type Case, parseCases, type Verdict } from "./results.ts";

export const BACKENDS = ["fentry", "kprobe", "tracepoint"] as const;
export type Backend = (typeof BACKENDS)[number];

/** Kernel release, back end, case: what dist/matrix.json holds. */
export type Matrix = Record<string, Partial<Record<Backend, Record<string, Verdict>>>>;

export interface Tally {
  passed: number;
  failed: number;
}

const OUTPUT_TAIL_LINES = 40;
/** Of a failed case the first and the last lines say what it was about. */
const DETAIL_LINES = 40;
const SLOWEST_FILES = 12;

/** What one boot said, per back end, in words and numbers. */
export class Report {
  readonly tally: Tally = { passed: 0, failed: 0 };
  readonly verdicts: Matrix[string] = {};
  /** One line each of what failed. */
  readonly failures: string[] = [];
  text = "";

  constructor(
    private readonly kernel: Kernel,
    boot: Boot,
    backends: readonly Backend[],
    private readonly filter: string | undefined,
  ) {
    for (const backend of backends) {
      const ended = boot.steps.find(({ name }) => name === backend);
      const cut = boot.cut?.name === backend ? boot.cut : null;
      const output = ended?.output ?? cut?.output ?? "";
      const cases = parseCases(output);
      this.verdicts[backend] = Object.fromEntries(cases.map(({ id, verdict }) => [id, verdict]));
      for (const failed of cases.filter(({ verdict }) => verdict === "fail")) this.#failed(backend, failed);
      this.tally.passed += cases.filter(({ verdict }) => verdict === "pass").length;
      this.#unfinished(backend, output, cases, ended?.status, cut !== null);
      this.text += `${kernel.series} (${kernel.release}) ${backend}: ${counted(cases)}${slowest(cases)}\n`;
    }
    if (boot.complaints.length > 0) {
      // Whatever the cases saw: a tracer must not make the kernel complain.
      this.#fail(`${kernel.series} the kernel complained`, boot.complaints.join("\n"));
    }
    if (boot.failure) {
      // Mostly a back end was cut off and counts; an end after the last one would go unnoticed.
      if (boot.steps.length === backends.length) this.#fail(`${kernel.series} did not end`, boot.failure);
      else this.text += `${boot.failure}\n`;
      this.failures.push(boot.failure.split("\n")[0]!);
    }
    this.text += `${kernel.series} took ${Math.round(boot.milliseconds / 1000)} s\n`;
  }

  #fail(what: string, detail: string): void {
    this.tally.failed++;
    this.failures.push(what);
    this.text += `FAIL ${what}\n${indented(detail)}`;
  }

  #failed(backend: Backend, { id, detail }: Case): void {
    this.#fail(`${this.kernel.series} ${backend} ${id}`, shortened(detail));
    this.text += this.#alone(backend, id);
  }

  /** A back end that did not come to its own end counts as one failure, whatever its cases said before. */
  #unfinished(
    backend: Backend,
    output: string,
    cases: Case[],
    status: number | undefined,
    cut: boolean,
  ): void {
    let reason: string | null = null;
    if (cut) reason = "was cut off when the boot ended";
    else if (status === undefined) reason = "was never begun";
    else if (status === 137) reason = "did not end within its time";
    else if (!cases.some(({ verdict }) => verdict !== "skip")) reason = `ran no case (status ${status})`;
    else if (status !== 0 && !cases.some(({ verdict }) => verdict === "fail"))
      reason = `ended with status ${status}`;
    const totals = Number(/^ *(\d+) pass$/m.exec(output)?.[1] ?? 0);
    const passed = cases.filter(({ verdict }) => verdict === "pass").length;
    if (reason === null && passed !== totals)
      reason = `has ${passed} lines of passed cases but a total of ${totals}`;
    if (reason === null) return;
    const tail = output.trimEnd().split("\n").slice(-OUTPUT_TAIL_LINES).join("\n");
    this.#fail(`${this.kernel.series} ${backend} ${reason}`, tail);
    this.text += this.#alone(backend, this.filter);
  }

  #alone(backend: Backend, filter: string | undefined): string {
    const told = this.kernel.release.endsWith(PREEMPT) ? ["--preempt"] : [];
    const words = [...told, this.kernel.series, backend, ...(filter === undefined ? [] : [$.escape(filter)])];
    return `  alone: npm run test:vm -- ${words.join(" ")}\n`;
  }
}

function counted(cases: readonly Case[]): string {
  const count = (wanted: Verdict) => cases.filter(({ verdict }) => verdict === wanted).length;
  const skipped = count("skip");
  return `${count("pass")} passed, ${count("fail")} failed${skipped ? `, ${skipped} skipped` : ""}`;
}

/** The files that took longest, for whoever wants it shorter. */
function slowest(cases: readonly Case[]): string {
  const files = new Map<string, number>();
  for (const { id, milliseconds } of cases) {
    const file = id.split("/", 1)[0]!;
    files.set(file, (files.get(file) ?? 0) + milliseconds);
  }
  const longest = [...files].sort(([, a], [, b]) => b - a).slice(0, SLOWEST_FILES);
  return `; slowest: ${longest.map(([file, took]) => `${file} ${Math.round(took / 1000)} s`).join(", ")}`;
}

function shortened(detail: string): string {
  const lines = detail.split("\n");
  if (lines.length <= 2 * DETAIL_LINES) return detail;
  const left = lines.length - 2 * DETAIL_LINES;
  return [...lines.slice(0, DETAIL_LINES), `… ${left} lines …`, ...lines.slice(-DETAIL_LINES)].join("\n");
}

function indented(text: string): string {
  return text ? `${text.replace(/^/gm, "    ")}\n` : "";
}
