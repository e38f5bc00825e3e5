import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { $ } from "bun";
import { programPath } from "../harness/programs.ts";
import { boot } from "./boot.ts";
import { type Step, writeGuest } from "./guest.ts";
import { kernel, type Series, seriesOf } from "./kernels.ts";
import { isOffered, needsApt, PREEMPT, planned } from "./plan.ts";
import { BACKENDS, type Backend, type Matrix, Report, type Tally } from "./report.ts";
import { selection, wholeKinds } from "./results.ts";
import { Scratch } from "./scratch.ts";

export interface Selection {
  series: readonly Series[];
  backends: readonly Backend[];
  /** A kind, `kind/name`, or a part of a name; undefined runs every case. */
  filter: string | undefined;
  /** Every case on every back end, not what plan.ts says. */
  full: boolean;
  /** Preempting everybody, BPF programs too. */
  isPreempted: boolean;
  /** With dist/ipcdump-static in place of dist/ipcdump; the matrix stays as it is. */
  isStatic: boolean;
}

const ROOT = join(import.meta.dir, "../..");
const MATRIX_FILE = join(ROOT, "dist/matrix.json");

/** All cases of one back end; a case that hangs ends by its own time limit long before. */
const STEP_LIMIT_SECONDS = 2400;
const CASE_LIMIT_MS = 120_000;
/** What kernel and /init may take beyond the steps. */
const BOOT_LIMIT_SECONDS = 150;
const BOOTS_AT_A_TIME = 2;

/**
 * Boots every selected kernel once, runs the live tests there with every selected back end, and reports each to
 * stdout as it ends. Runs of all cases are entered into dist/matrix.json.
 * Throws an Error with the remedy when the executable, QEMU or a kernel is missing.
 */
export async function runMatrix(selected: Selection): Promise<Tally> {
  const { series, backends, filter, full, isPreempted, isStatic } = selected;
  const executable = join(ROOT, "dist/ipcdump");
  if (!existsSync(executable)) throw new Error("no dist/ipcdump to test; bun build.ts makes it");
  // another 100 MB to boot from: only where its cases are run
  const takesStatic = isStatic || filter === undefined || filter.startsWith("static");
  if (takesStatic && !existsSync(`${executable}-static`)) {
    throw new Error("no dist/ipcdump-static to test; bun build.ts --static makes it");
  }
  const takesSystemd = filter === undefined || filter.includes("systemd");
  // the oldest has most to do and the next one least, so that is the last: no processor is idle long
  const [oldest, ...newer] = await Promise.all(series.map(kernel));
  const kernels = [oldest!, ...newer.reverse()];

  const programs = dirname(await programPath("marker"));
  const copies = new Map([
    ["/usr/bin/bun", process.execPath],
    ...(isStatic ? [] : [["/project/dist/ipcdump", executable] as const]),
    ...(takesStatic ? [["/project/dist/ipcdump-static", `${executable}-static`] as const] : []),
    ["/project/dist/child.elf", join(ROOT, "dist/child.elf")],
    ["/project/programs", programs],
    ...(takesSystemd ? systemdFiles().map((path) => [path, path] as const) : []),
    ...projectFiles(liveTestFiles().map((kind) => `test/live/${kind}.test.ts`)).map(
      (path) => [join("/project", path), join(ROOT, path)] as const,
    ),
  ]);

  const total: Tally = { passed: 0, failed: 0 };
  const failures: string[] = [];
  const worker = async () => {
    for (let next = kernels.shift(); next; next = kernels.shift()) {
      const { series: name, release } = next;
      const offered = backends.filter((backend) => isOffered(name, backend, isPreempted));
      if (offered.length === 0) throw new Error(`there is no ${backends.join(" or ")} on ${name}`);
      using scratch = new Scratch();
      const initramfs = scratch.path("initramfs");
      const token = crypto.randomUUID();
      const steps = offered.map((backend) => liveTests(name, backend, filter, full, isStatic));
      writeGuest(initramfs, { copies, steps, token });
      const parameters = isPreempted ? [PREEMPT] : [];
      const label = [release, ...parameters].join(" ");
      process.stderr.write(`booting ${name} (${label}) for ${offered.join(", ")}\n`);
      const limitSeconds = offered.length * STEP_LIMIT_SECONDS + BOOT_LIMIT_SECONDS;
      const result = await boot(next, { initramfs, token, limitSeconds, parameters });
      const report = new Report({ ...next, release: label }, result, offered, filter);
      const { text, tally, verdicts } = report;
      process.stdout.write(text);
      if (isStatic) process.stderr.write("the matrix is that of dist/ipcdump and stays as it is\n");
      else if (filter === undefined) enter(label, verdicts);
      else for (const kind of wholeKinds(filter, liveTestFiles()) ?? []) enter(label, verdicts, kind);
      total.passed += tally.passed;
      total.failed += tally.failed;
      failures.push(...report.failures);
    }
  };
  await Promise.all(Array.from({ length: BOOTS_AT_A_TIME }, worker));
  // Once more and in short, for whoever sees only the end.
  for (const failure of failures) process.stdout.write(`failed: ${failure}\n`);
  return total;
}

/** What runs units, of which newer ones have a program of its own for that. */
function systemdFiles(): string[] {
  const folder = "/lib/systemd";
  const [first, ...others] = [`${folder}/systemd`, "/usr/bin/systemd-run", `${folder}/systemd-executor`];
  if (!existsSync(first!)) throw new Error("no systemd to take along; try: apt-get install -y systemd");
  return [first!, ...others.filter((path) => existsSync(path))];
}

/** What tests in `folders` may import or read, of what there is. */
export function projectFiles(folders: readonly string[]): string[] {
  const paths = ["package.json", "tsconfig.json", "bunfig.toml", "src", "ffi", "test/harness", ...folders];
  const dependencies: Record<string, string> = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  ).dependencies;
  for (const name of Object.keys(dependencies)) paths.push(join("node_modules", name));
  return paths.filter((path) => existsSync(join(ROOT, path)));
}

function liveTests(
  series: Series,
  backend: Backend,
  filter: string | undefined,
  full: boolean,
  isStatic: boolean,
): Step {
  const kinds = liveTestFiles();
  const words = ["bun", "test", "--timeout", String(CASE_LIMIT_MS)];
  const run = (more: readonly string[]) =>
    `exec ${[...words, ...more].map((word) => $.escape(word)).join(" ")}`;
  const script = [
    "cd /project",
    `export IPCDUMP=/project/dist/ipcdump${isStatic ? "-static" : ""} IPCDUMP_PROGRAMS=/project/programs IPCDUMP_BACKEND=${backend}`,
    run(
      full || filter !== undefined
        ? selection(filter, kinds)
        : planned(series, backend, kinds).map((kind) => `test/live/${kind}.test.ts`),
    ),
  ].join("\n");
  return { name: backend, script, limitSeconds: STEP_LIMIT_SECONDS };
}

/** The live test files that can run in a VM, without `.test.ts`. */
function liveTestFiles(): string[] {
  return readdirSync(join(ROOT, "test/live"))
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => file.slice(0, -".test.ts".length))
    .filter((file) => !needsApt.includes(file));
}

/** Whether both are releases of one series, told the same. */
function isReplacedBy(release: string, other: string): boolean {
  return seriesOf(other) === seriesOf(release) && other.endsWith(PREEMPT) === release.endsWith(PREEMPT);
}

/**
 * Replaces what dist/matrix.json says of this series' back ends, or of one kind there; the others keep what
 * they have.
 */
function enter(release: string, verdicts: Matrix[string], kind = ""): void {
  const matrix: Matrix = existsSync(MATRIX_FILE) ? JSON.parse(readFileSync(MATRIX_FILE, "utf8")) : {};
  const older = Object.keys(matrix).filter((other) => other !== release && isReplacedBy(release, other));
  for (const other of older) delete matrix[other];
  const entry: Matrix[string] = { ...matrix[release] };
  for (const backend of BACKENDS) {
    const now = verdicts[backend];
    if (now === undefined) continue;
    const before = Object.entries(entry[backend] ?? {}).filter(([id]) => kind && !id.startsWith(`${kind}/`));
    entry[backend] = { ...Object.fromEntries(before), ...now };
  }
  matrix[release] = entry;
  mkdirSync(dirname(MATRIX_FILE), { recursive: true });
  writeFileSync(MATRIX_FILE, `${JSON.stringify(matrix, null, 2)}\n`);
}
