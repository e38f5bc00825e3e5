/** The command line: words → Options, or a UsageError that names the culprit. Pure but for the tables. */
import { parseArgs } from "node:util";
import { printable } from "../bytes/escape.ts";
import type { Kind } from "../event.ts";
import { UsageError } from "../failure.ts";
import { paths, processes, type Wanted } from "../filter/wanted.ts";
import type { FormatName } from "../format/index.ts";
import type { Choice } from "../message/decoding.ts";
import {
  type BackendChoice,
  backends,
  type ColorChoice,
  colors,
  commands,
  type Flag,
  type FlagName,
  flags,
  formatNames,
  protocolNames,
} from "./flags.ts";
import { selectKinds } from "./selection.ts";
import { nearest } from "./spelling.ts";
import { type Subcommand, subcommandOf } from "./subcommands.ts";
import { duration, numberFrom, oneOf, ringSize, splitList, wholeNumber } from "./values.ts";

/** The tracer's orders. */
export interface Options {
  /** the kinds to trace, in the order of the kinds' table */
  kinds: readonly Kind[];
  /** those of them named one by one with -t: attaching nothing for one is an error, not a remark */
  named: readonly Kind[];
  /** the filters by process, path and port */
  wanted: Wanted;
  /** -x: capture contents */
  bytes: boolean;
  /** -B: most bytes of contents per event, 0 for all */
  maxBytes: number;
  /** -c: events to stop after, 0 for none */
  count: number;
  /** --duration: seconds to stop after, 0 for none */
  duration: number;
  format: FormatName;
  /** a table at the end instead of events */
  summary: boolean;
  /** --decode; null without */
  decode: Decode | null;
  color: ColorChoice;
  /** the path of -r, "-" for stdin; null: trace */
  recording: string | null;
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
  /** events of the terminal that shows this, too */
  self: boolean;
  /** events with no end in this pid namespace, too */
  allNamespaces: boolean;
  /** the words behind --: the command to start and its arguments, null without one */
  command: readonly string[] | null;
}

/** The orders of --decode. Everything is captured then, and `bytes` is on. */
export interface Decode extends Choice {
  /** decoders by name */
  protocols: readonly string[];
}

export type Invocation =
  | { action: "help" }
  | { action: "version"; verbose: boolean }
  | Subcommand
  | { action: "trace"; options: Options };

const seeHelp = "\nTry: ipcdump --help";
/** PID_MAX_LIMIT */
const mostPid = 4_194_304;
const mostPort = 65_535;
/** the kernel side keeps -B in 32 bits */
const mostBytes = 0xffff_ffff;

/** @throws UsageError */
export function parseArguments(words: readonly string[]): Invocation {
  const subcommand = subcommandOf(words);
  if (subcommand !== null) return subcommand;
  const { given, command } = read(words);
  if (given.has("help")) return { action: "help" };
  const verbosity = Math.min(2, given.get("verbose")?.length ?? 0);
  if (given.has("version")) return { action: "version", verbose: verbosity > 0 };
  const summary = given.has("summary");
  const quiet = given.has("quiet");
  const format = oneOf("-f", last(given, "format"), formatNames);
  const isRecording = format === "pcapng";
  if (isRecording && summary)
    throw new UsageError("--summary is a table, not packets; leave out one of --summary and -f pcapng");
  if (given.has("max-bytes") && !given.has("bytes") && !isRecording) {
    throw new UsageError("-B limits the contents that -x shows; add -x or leave out -B");
  }
  if (quiet && verbosity > 0) throw new UsageError("-q and -v contradict each other; leave one out");
  const output = last(given, "output");
  const recording = readsFrom(given, command);
  const decode = decodeFrom(given, format);
  const maxBytes = wholeNumber("-B", last(given, "max-bytes"), mostBytes);
  const options: Options = {
    ...selectKinds(given.get("type") ?? [], given.get("not-type") ?? []),
    wanted: wanted(given),
    bytes: ((given.has("bytes") || isRecording) && !summary) || decode !== null, // a table has no place for contents
    maxBytes: decode === null ? maxBytes : 0,
    count: wholeNumber("-c", last(given, "count"), Number.MAX_SAFE_INTEGER),
    duration: duration("--duration", last(given, "duration")),
    format,
    summary,
    decode: decode === null ? null : { ...decode, isShown: given.has("bytes"), maxBytes },
    color: oneOf("--color", last(given, "color"), colors),
    recording,
    output: output === "-" ? null : output,
    lost: !given.has("no-lost"),
    verbosity,
    quiet,
    backend: oneOf("--backend", last(given, "backend"), backends),
    ring: ringSize(last(given, "ring")),
    self: given.has("self"),
    allNamespaces: given.has("all-ns"),
    command,
  };
  return { action: "trace", options };
}

/** Flags that ask for what a recording does not have. */
const live: readonly FlagName[] = ["follow", "duration", "self", "all-ns"];

/** The file of -r, null without. @throws UsageError */
function readsFrom(given: Given, command: string[] | null): string | null {
  if (!given.has("read")) return null;
  const other = live.find((name) => given.has(name));
  const stray = other !== undefined ? `--${other}` : command !== null ? "-- CMD" : null;
  if (stray !== null) throw new UsageError(`-r shows what was traced before; leave out ${stray}`);
  return last(given, "read");
}

/** What --decode, --slow and --errors ask for; null without --decode. @throws UsageError */
function decodeFrom(given: Given, format: FormatName): Pick<Decode, "protocols" | "slow" | "errors"> | null {
  const names = given.get("decode");
  if (names === undefined) {
    const stray = (["slow", "errors"] as const).find((name) => given.has(name));
    if (stray !== undefined) throw new UsageError(`--${stray} is about messages; add --decode`);
    return null;
  }
  if (format === "pcapng")
    throw new UsageError(
      "-f pcapng keeps events, not messages; leave out one of --decode and -f pcapng\nTo decode what was kept: ipcdump -r FILE --decode",
    );
  const chosen = names.filter((name) => name !== "").map((name) => oneOf("--decode", name, protocolNames));
  return {
    protocols: chosen.length === 0 ? protocolNames : chosen,
    slow: Math.round(duration("--slow", last(given, "slow")) * 1e9),
    errors: given.has("errors"),
  };
}

function wanted(given: Given): Wanted {
  const pids = (name: FlagName) =>
    (given.get(name) ?? []).map((value) => numberFrom(1, `--${name}`, "a process id", value, mostPid));
  const both = (pid: FlagName, comm: FlagName) => processes(pids(pid), given.get(comm) ?? []);
  const follow = given.has("follow");
  if (follow && !["src-pid", "dst-pid", "pid"].some((name) => given.has(name as FlagName))) {
    throw new UsageError("--follow needs the processes to follow; add -p PID, -s PID or -d PID");
  }
  return {
    source: both("src-pid", "src-comm"),
    destination: both("dst-pid", "dst-comm"),
    either: both("pid", "comm"),
    excluded: both("not-pid", "not-comm"),
    follow,
    paths: paths(given.get("path") ?? []),
    ports: (given.get("port") ?? []).map((value) => numberFrom(1, "--port", "a port", value, mostPort)),
  };
}

/** The values of every flag given; a switch has one empty value each time. */
type Given = Map<FlagName, string[]>;

function read(all: readonly string[]): { given: Given; command: string[] | null } {
  const table: Record<string, Flag> = flags;
  // Not strict, because its errors don't name the near miss; every token is checked here instead.
  const { tokens } = parseArgs({
    args: [...all],
    options: Object.fromEntries(
      Object.entries(table).map(([name, { short, value, optional }]) => [
        name,
        {
          type: value === undefined || optional ? "boolean" : "string",
          ...(short === undefined ? {} : { short }),
        },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given: Given = new Map();
  // A request for help is met, even when another word is wrong.
  if (tokens.some((token) => token.kind === "option" && token.name === "help")) {
    return { given: given.set("help", []), command: null };
  }
  let command: string[] | null = null;
  for (const token of tokens) {
    if (token.kind === "option-terminator") {
      command = all.slice(token.index + 1);
      if (command.length === 0 || command[0] === "") {
        throw new UsageError(`-- needs a command to start: ipcdump -- CMD ARGS...${seeHelp}`);
      }
      break;
    }
    if (token.kind === "positional") throw strayWord(all, token.index);
    const flag = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (flag === undefined) throw unknownFlag(token.rawName);
    const name = token.name as FlagName;
    const value = checkedValue(token.rawName, flag, token.value, token.inlineValue === true);
    given.set(name, [...(given.get(name) ?? []), ...(flag.list && flag.value ? splitList(value) : [value])]);
  }
  return { given, command };
}

function checkedValue(rawName: string, flag: Flag, value: string | undefined, inline: boolean): string {
  if (flag.optional && !inline) return "";
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

function last(given: Given, name: FlagName): string {
  const flag: Flag = flags[name];
  return given.get(name)?.at(-1) ?? flag.default ?? "";
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

/** A word that is no flag: a kind, a misspelt command, or the beginning of a command to trace. */
function strayWord(all: readonly string[], at: number): UsageError {
  const word = all[at]!;
  const near = nearest(word, [...Object.keys(commands), ...Object.keys(flags)]);
  if (isKind(word))
    return new UsageError(`${printable(word)} is no flag; did you mean -t ${word}?${seeHelp}`);
  const meant = near !== null && Object.hasOwn(flags, near) ? `--${near}` : near;
  const hint = meant === null ? "" : `; did you mean ${meant}?`;
  const command = [...all.slice(0, at), "--", ...all.slice(at)].map(printable).join(" ");
  return new UsageError(
    `${printable(word)} is no flag${hint}\nTo start a command and trace it: ipcdump ${command}`,
  );
}

function isKind(word: string): boolean {
  try {
    selectKinds([word], []);
    return true;
  } catch {
    return false;
  }
}
