export type Verdict = "pass" | "fail" | "skip";

export interface Case {
  /** `pipe/splice`: the test file's kind and the test's name, as a filter takes it. */
  id: string;
  verdict: Verdict;
  /** What `bun test` printed about a failure, else empty. */
  detail: string;
  /** How long it took; 0 where `bun test` leaves it out. */
  milliseconds: number;
}

const VERDICTS: Record<string, Verdict> = { pass: "pass", fail: "fail", skip: "skip", todo: "skip" };

/** Reads the output of `bun test` without colours: a line for each file, one for each test, details before it. */
export function parseCases(output: string): Case[] {
  const cases: Case[] = [];
  let kind = "";
  let detail: string[] = [];
  for (const line of output.split(/\r?\n/)) {
    // After many tests it says once more which ones were not passed.
    if (/^\d+ tests? (skipped|todo|failed):$/.test(line)) break;
    const file = /^(?:\S*\/)?([^/\s]+)\.test\.ts:$/.exec(line)?.[1];
    const [, word, name, took = "0", unit] =
      /^\((pass|fail|skip|todo)\) (.+?)(?: \[([\d.]+)(m?s)\])?$/.exec(line) ?? [];
    const verdict = word && VERDICTS[word];
    if (verdict && name) {
      cases.push({
        id: identify(kind, name),
        verdict,
        detail: verdict === "fail" ? detail.join("\n").trim() : "",
        milliseconds: Number(took) * (unit === "s" ? 1000 : 1),
      });
    } else if (file) kind = file;
    else {
      detail.push(line);
      continue;
    }
    detail = [];
  }
  return cases;
}

/** Nested names are joined as paths are; the kind in front, `pipe splice > in` or `pipe > splice`, stands there once. */
function identify(kind: string, name: string): string {
  // A beforeAll or afterAll: only the whole file can run it again.
  if (name === "(unnamed)") return kind;
  const path = name.split(" > ").join("/");
  return `${kind}/${path.startsWith(`${kind} `) || path.startsWith(`${kind}/`) ? path.slice(kind.length + 1) : path}`;
}

/** The kinds that a filter names as a whole (`unix,loopback`), or null when it means single cases. */
export function wholeKinds(filter: string, kinds: readonly string[]): string[] | null {
  const words = filter.split(",");
  return words.every((word) => kinds.includes(word)) ? words : null;
}

/** The words for `bun test` that choose what a filter means: a kind, `kind/name`, or a part of a name. */
export function selection(filter: string | undefined, kinds: readonly string[]): string[] {
  if (filter === undefined) return ["test/live"];
  const whole = wholeKinds(filter, kinds);
  if (whole !== null) return whole.map((kind) => `test/live/${kind}.test.ts`);
  const [head = "", ...rest] = filter.split("/");
  if (!kinds.includes(head)) return ["test/live", "-t", pattern(filter)];
  return [`test/live/${head}.test.ts`, "-t", pattern(rest.join("/"))];
}

/** `bun test -t` sees nested names with a space between them, where ours have a slash. */
function pattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&").replaceAll("/", "[ /]");
}
