/**
 * `ipcdump doctor` finds out by trying which kinds work here. ipcdump is started with each back end, and two child
 * processes make one event of each kind. The lines that it prints decide.
 */
import { readFileSync } from "node:fs";
import program from "#dist/child.elf" with { type: "file" };
import { backends } from "../../ffi/program.ts";
import type { Kind } from "../event.ts";
import { kinds } from "../kinds/index.ts";
import type { KindModule } from "../kinds/kind.ts";
import { type Check, kernel, runChecks, vital } from "./checks.ts";
import { type Made, tryKind } from "./trial.ts";

/** Longer than the slowest kernel needs to verify everything. A start that hangs is ended. */
const startPatience = 120_000;
const eventPatience = 2000;

/** The result of one back end for one kind. */
interface Attempt {
  backend: string;
  /** which of its ways: `fexit`, `kprobe.session`; empty when it is not traced */
  rung: string;
  works: boolean;
  /** its blind spots */
  blind: string[];
  /** why it doesn't work; empty when it does */
  reason: string;
}

interface Finding {
  type: Kind;
  works: boolean;
  /** the back end that ipcdump chooses here; null when none works */
  backend: string | null;
  trials: Attempt[];
}

interface Report {
  kernel: string;
  works: boolean;
  kinds: Finding[];
  checks: Check[];
}

/** Tries everything; the report as text or JSON, and whether every kind works. */
export async function doctor(json: boolean): Promise<{ text: string; works: boolean }> {
  const report = await examine();
  return { text: json ? `${JSON.stringify(report)}\n` : describe(report), works: report.works };
}

async function examine(): Promise<Report> {
  const findings: Finding[] = kinds.map(({ name }) => ({
    type: name,
    works: false,
    backend: null,
    trials: [],
  }));
  const checks = runChecks();
  const missing = checks.find(({ name, ok }) => !ok && vital.includes(name));
  for (const backend of ["auto", ...backends]) {
    const trials = missing !== undefined ? [] : await attempt(backend);
    for (const finding of findings) {
      const trial = trials.find(({ type }) => type === finding.type)?.trial ?? {
        backend,
        rung: "",
        works: false,
        blind: [],
        reason: `${missing?.name}: ${missing?.finding}`,
      };
      if (backend === "auto") {
        finding.works = trial.works;
        finding.backend = trial.works ? trial.backend : null;
        // the reasons of the others tell why
        if (!trial.works) finding.trials.push(trial);
      } else if (trial.backend === backend) {
        finding.trials.push(trial);
      }
    }
  }
  return { kernel: kernel(), works: findings.every(({ works }) => works), kinds: findings, checks };
}

/** Runs ipcdump with one back end for all kinds. */
async function attempt(backend: string): Promise<{ type: Kind; trial: Attempt }[]> {
  // a compiled executable has its script in a file system of its own
  const self = Bun.main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, Bun.main];
  const ipcdump = Bun.spawn([...self, "-v", "-f", "json", "--backend", backend], {
    stdin: "pipe", // there may be no /dev/null
    stdout: "pipe",
    stderr: "pipe",
  });
  const seen: { type: string; src_pid: number }[] = [];
  const said: string[] = [];
  const reading = Promise.all([
    readLines(ipcdump.stdout, (line) => seen.push(JSON.parse(line))),
    readLines(ipcdump.stderr, (line) => said.push(line)),
  ]);
  const ended = { status: null as number | null };
  void ipcdump.exited.then((status) => {
    ended.status = status;
  });
  const tracing = () => said.find((line) => line.startsWith("tracing "));
  await until(startPatience, () => tracing() !== undefined || ended.status !== null);
  const results: { type: Kind; trial: Attempt }[] = [];
  for (const kind of kinds) {
    const type = kind.name;
    const traced = parenthesized(tracing() ?? "", type);
    const trial: Attempt = {
      backend: traced?.backend ?? backend,
      rung: rungOf(said, type),
      works: false,
      blind: traced?.blind ?? [],
      reason: "",
    };
    if (traced === null) trial.reason = reasonOf(said, type);
    else trial.reason = await reasonAgainst(kind, seen);
    trial.works = trial.reason === "";
    results.push({ type, trial });
  }
  ipcdump.kill("SIGTERM");
  await Promise.race([ipcdump.exited, Bun.sleep(eventPatience)]);
  ipcdump.kill("SIGKILL");
  await reading;
  return results;
}

/** Makes the kind's trial and waits for its event: why it did not come, or nothing. */
async function reasonAgainst(
  kind: KindModule,
  seen: readonly { type: string; src_pid: number }[],
): Promise<string> {
  let made: Made;
  try {
    made = await tryKind(kind, readFileSync(program));
  } catch (error) {
    return `the trial itself failed: ${error instanceof Error ? error.message : error}`;
  }
  const isThere = () => seen.some((event) => event.type === kind.name && event.src_pid === made.source);
  return (await until(eventPatience, isThere)) ? "" : "attached, but the trial's event was not seen";
}

/** `pipe (fentry; not seen: io_uring)` out of the line that begins with "tracing" */
function parenthesized(line: string, type: Kind): { backend: string; blind: string[] } | null {
  const inside = new RegExp(`[ ,]${type} \\(([^)]*)\\)`).exec(line)?.[1];
  if (inside === undefined) return null;
  const [backend = "", ...notes] = inside.split("; ");
  const prefix = "not seen: ";
  const blind = notes
    .filter((note) => note.startsWith(prefix))
    .flatMap((note) => note.slice(prefix.length).split(", "));
  return { backend, blind };
}

/** The way of its back end that a kind is traced by. */
function rungOf(said: readonly string[], type: Kind): string {
  const prefix = `${type}: rung `;
  return said.find((line) => line.startsWith(prefix))?.slice(prefix.length) ?? "";
}

/** The line of ipcdump about a kind, or about everything: what -v says of each try comes before it. */
function reasonOf(said: readonly string[], type: Kind): string {
  const own = new RegExp(`(?:^not tracing |^|; )${type}: (.+)$`);
  const line =
    said.map((one) => own.exec(one)?.[1]).findLast((reason) => reason !== undefined) ??
    said.find((one) => one.startsWith("ipcdump: "))?.slice("ipcdump: ".length);
  // the remedy behind it is for those who did not ask doctor, the back end is known
  return line?.split("; ")[0]?.replace(/^\w+: (?=cannot )/, "") ?? "it did not start in time";
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(take);
  }
}

async function until(milliseconds: number, isThere: () => boolean): Promise<boolean> {
  for (const start = performance.now(); performance.now() - start < milliseconds; await Bun.sleep(5)) {
    if (isThere()) return true;
  }
  return isThere();
}

function describe({ kernel, works, kinds, checks }: Report): string {
  const lines = [kernel, "", "Kinds, each tried with an event of its own:"];
  const width = Math.max(...kinds.map(({ type }) => type.length));
  for (const { type, works, backend, trials } of kinds) {
    const used = trials.find((trial) => trial.backend === backend);
    const blind = used === undefined || used.blind.length === 0 ? "" : `; not seen: ${used.blind.join(", ")}`;
    lines.push(
      `  ${works ? "ok " : "NOT"} ${type.padEnd(width)}  ${works ? `${backend}${blind}` : reasonsOf(trials)}`,
    );
  }
  lines.push("", "Back ends:");
  for (const backend of backends) {
    const trials = kinds.map(({ trials }) => trials.find((trial) => trial.backend === backend));
    const good = kinds.filter((_, i) => trials[i]?.works);
    const reasons = [
      ...new Set(trials.map((trial) => trial?.reason ?? "").filter((reason) => reason !== "")),
    ];
    const names = good.length === kinds.length ? "all kinds" : good.map(({ type }) => type).join(", ");
    lines.push(
      `  ${backend}${waysOf(trials, backend)}: ${[names, ...reasons].filter((part) => part !== "").join("; ") || "nothing to it here"}`,
    );
  }
  lines.push("", "Here:");
  for (const { name, ok, finding, remedy } of checks) {
    lines.push(
      `  ${ok ? "ok " : "-- "} ${name}: ${finding}${remedy === "" ? "" : `; to mend it: ${remedy}`}`,
    );
  }
  lines.push("", works ? "Every kind works." : "Not every kind works.");
  return `${lines.join("\n")}\n`;
}

/** ` (kprobe.session)`: the ways of a back end beside the plain one; empty where it has none here. */
function waysOf(trials: readonly (Attempt | undefined)[], backend: string): string {
  const rungs = new Set(
    trials.map((trial) => trial?.rung ?? "").filter((rung) => rung !== "" && rung !== backend),
  );
  return rungs.size === 0 ? "" : ` (${[...rungs].join(", ")})`;
}

function reasonsOf(trials: readonly Attempt[]): string {
  return [...new Set(trials.filter(({ works }) => !works).map(({ reason }) => reason))].join("; ");
}
