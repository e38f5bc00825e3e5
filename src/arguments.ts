/** The command line: words → Options, or a UsageError that names the culprit. Pure but for the tables. */
import { parseArgs } from "node:util";
import type { Kind } from "./event.ts";
import { UsageError } from "./failure.ts";
import { type BackendChoice, backends, type Flag, type FlagName, flags, formatNames } from "./flags.ts";
import { printable } from "./format/escape.ts";
import type { FormatName } from "./format/index.ts";
import { selectKinds } from "./selection.ts";
import { nearest } from "./spelling.ts";

/** What the tracer is asked to do. */
export interface Options {
  /** the kinds to trace, in the order of the kinds' table */
  kinds: readonly Kind[];
  /** those of them named one by one with -t: attaching nothing for one is an error, not a remark */
  named: readonly Kind[];
  /** -x: capture contents */
  bytes: boolean;
  /** -B: most bytes of contents per event, 0 for all */
  maxBytes: number;
  /** -c: events to stop after, 0 for none */
  count: number;
  format: FormatName;
  /** the path of -o, null for stdout */
  output: string | null;
  /** lost lines in the stream (not with -L) */
  lost: boolean;
  /** how often -v was given, 0 to 2 */
  verbosity: number;
  quiet: boolean;
  backend: BackendChoice;
  /** size of the ring buffer in bytes, a power of two */
  ring: number;
}

export type Invocation =
  | { action: "help" }
  | { action: "version"; verbose: boolean }
  | { action: "trace"; options: Options };

const seeHelp = "\nTry: ipcdump --help";
const kibi = 1024;
const ringUnits: Record<string, number> = { "": 1, K: kibi, M: kibi ** 2, G: kibi ** 3 };
const smallestRing = 64 * kibi;
const largestRing = kibi ** 3;
/** the kernel side keeps -B in 32 bits */
const mostBytes = 0xffff_ffff;

/** @throws UsageError */
export function parseArguments(words: readonly string[]): Invocation {
  const given = read(words);
  if (given.has("help")) return { action: "help" };
  const verbosity = Math.min(2, given.get("verbose")?.length ?? 0);
  if (given.has("version")) return { action: "version", verbose: verbosity > 0 };
  const bytes = given.has("bytes");
  const quiet = given.has("quiet");
  if (given.has("max-bytes") && !bytes) {
    throw new UsageError("-B limits the contents that -x shows; add -x or leave out -B");
  }
  if (quiet && verbosity > 0) throw new UsageError("-q and -v contradict each other; leave one out");
  const output = last(given, "output");
  const options: Options = {
    ...selectKinds(given.get("type") ?? []),
    bytes,
    maxBytes: wholeNumber("-B", last(given, "max-bytes"), mostBytes),
    count: wholeNumber("-c", last(given, "count"), Number.MAX_SAFE_INTEGER),
    format: oneOf("-f", last(given, "format"), formatNames),
    output: output === "-" ? null : output,
    lost: !given.has("no-lost"),
    verbosity,
    quiet,
    backend: oneOf("--backend", last(given, "backend"), backends),
    ring: ringSize(last(given, "ring")),
  };
  return { action: "trace", options };
}

/** The values of every flag given; a switch has one empty value each time. */
function read(words: readonly string[]): Map<FlagName, string[]> {
  const table: Record<string, Flag> = flags;
  // Not strict, because its errors don't name the near miss; every token is checked here instead.
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(table).map(([name, { short, value }]) => [
        name,
        { type: value === undefined ? "boolean" : "string", ...(short === undefined ? {} : { short }) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<FlagName, string[]>();
  // Whoever asks for help gets it, whatever else is wrong.
  if (tokens.some((token) => token.kind === "option" && token.name === "help")) return given.set("help", []);
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") throw strayWord(token.value);
    const flag = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (flag === undefined) throw unknownFlag(token.rawName);
    const name = token.name as FlagName;
    const value = checkedValue(token.rawName, flag, token.value, token.inlineValue === true);
    given.set(name, [...(given.get(name) ?? []), ...(flag.list && flag.value ? splitList(value) : [value])]);
  }
  return given;
}

function checkedValue(rawName: string, flag: Flag, value: string | undefined, inline: boolean): string {
  if (flag.value === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value: ${printable(value)}${seeHelp}`);
    return "";
  }
  // -t=pipe: parseArgs leaves the equals sign to the value of a short flag.
  const meant = inline && !rawName.startsWith("--") ? value?.replace(/^=/, "") : value;
  if (meant === undefined || meant === "" || (flag.list && splitList(meant).includes(""))) {
    throw new UsageError(`${rawName} needs a value: ${rawName} ${flag.value}${seeHelp}`);
  }
  if (!inline && /^-[^\d]/.test(meant)) {
    throw new UsageError(
      `${rawName} needs a value: ${rawName} ${flag.value}, but ${printable(meant)} is a flag${seeHelp}`,
    );
  }
  return meant;
}

/** `a,b\,c` is "a" and "b,c". */
export function splitList(value: string): string[] {
  return value.split(/(?<!\\),/).map((item) => item.replaceAll("\\,", ","));
}

function last(given: Map<FlagName, string[]>, name: keyof typeof flags & FlagName): string {
  const flag: Flag = flags[name];
  return given.get(name)?.at(-1) ?? flag.default ?? "";
}

function wholeNumber(flag: string, value: string, most: number): number {
  if (!/^\d+$/.test(value)) {
    throw new UsageError(`${flag} needs a whole number, 0 or more: ${printable(value)}`);
  }
  const number = Number(value);
  if (number > most) throw new UsageError(`${flag} can be ${most} at most: ${value}`);
  return number;
}

function ringSize(value: string): number {
  const [, digits, unit] = /^(\d+)([KMG]?)$/i.exec(value) ?? [];
  if (digits === undefined || unit === undefined) {
    throw new UsageError(`--ring needs a size like 512K, 16M or 1G: ${printable(value)}`);
  }
  const size = Number(digits) * (ringUnits[unit.toUpperCase()] ?? 1);
  if (size < smallestRing || size > largestRing) {
    throw new UsageError(`--ring must be between 64K and 1G: ${value}`);
  }
  return 2 ** Math.ceil(Math.log2(size));
}

function oneOf<T extends string>(flag: string, value: string, values: readonly T[]): T {
  const found = values.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  const near = nearest(value, values);
  const hint = near === null ? `one of ${values.join(", ")}` : `did you mean ${near}?`;
  throw new UsageError(`${flag} ${printable(value)} is unknown; ${hint}`);
}

function unknownFlag(rawName: string): UsageError {
  const names = Object.entries<Flag>(flags).flatMap(([name, { short }]) => [
    `--${name}`,
    ...(short === undefined ? [] : [`-${short}`]),
  ]);
  const near = rawName.startsWith("--")
    ? nearest(rawName.slice(2), Object.keys(flags))
    : names.find((name) => name.length === 2 && name.toLowerCase() === rawName.toLowerCase());
  const hint = near === null || near === undefined ? "" : `; did you mean ${near.replace(/^(?!-)/, "--")}?`;
  return new UsageError(`unknown flag ${printable(rawName)}${hint}${seeHelp}`);
}

function strayWord(word: string): UsageError {
  const near = nearest(word, Object.keys(flags));
  let hint = "";
  if (isKind(word)) hint = `; did you mean -t ${word}?`;
  else if (near !== null) hint = `; did you mean --${near}?`;
  return new UsageError(`no arguments are taken: ${printable(word)}${hint}${seeHelp}`);
}

function isKind(word: string): boolean {
  try {
    selectKinds([word]);
    return true;
  } catch {
    return false;
  }
}
