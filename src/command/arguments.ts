/** The command line: words → Options, or a UsageError that names the culprit. Pure but for the tables. */
import type { Kind } from "../event.ts";
import { UsageError } from "../failure.ts";
import type { Wanted } from "../filter/wanted.ts";
import type { FormatName } from "../format/index.ts";
import { Pattern } from "../match/pattern.ts";
import type { Choice } from "../message/decoding.ts";
import { type DrawingName, drawingFor } from "./drawings.ts";
import { wanted } from "./filters.ts";
import {
  type BackendChoice,
  backends,
  type ColorChoice,
  colors,
  type FlagName,
  flags,
  formatNames,
  protocolNames,
} from "./flags.ts";
import { duration, oneOf, ringSize, waitingTime, wholeNumber } from "./flagvalues.ts";
import { type Given, last as lastOf, readTracing } from "./given.ts";
import { selectKinds } from "./selection.ts";

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
  /** -A: contents as text where they are text; `bytes` is on then */
  isReadable: boolean;
  /** --who: who both ends are beside their names */
  who: boolean;
  /** -B: most bytes of contents that are captured of an event, 0 for all */
  maxBytes: number;
  /** -B once more, where more is captured than shown: 0 for all */
  shownBytes: number;
  /** --match, where events are joined or decoded before they are searched; else it is in `wanted`. Any of them */
  match: readonly Pattern[];
  /** --join: seconds, 0 without */
  join: number;
  /** --brief */
  isBrief: boolean;
  /** -c: events to stop after, 0 for none */
  count: number;
  /** --duration: seconds to stop after, 0 for none */
  duration: number;
  format: FormatName;
  /** a table at the end instead of events */
  summary: boolean;
  /** --map: a map at the end instead of events, into `output`; null without */
  map: DrawingName | null;
  /** --decode; null without */
  decode: Decode | null;
  /** `top`: a board instead of events; null without */
  top: TopOptions | null;
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
  /** --wait: seconds that an event waits for its receiver to be seen */
  wait: number;
  /** --sure: no event with an end that was inferred */
  sure: boolean;
  /** size of the ring buffer in bytes, a power of two */
  ring: number;
  /** events of the terminal that shows this, too */
  self: boolean;
  /** the signals that the kernel sends by itself, too */
  kernelSignals: boolean;
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

/** How `ipcdump top` shows itself. */
export interface TopOptions {
  /** frames as plain text, one after the other */
  isBatch: boolean;
  /** to end after, 0: never */
  frames: number;
  /** seconds between frames */
  interval: number;
}

export type Invocation =
  | { action: "help"; isAll: boolean }
  | { action: "version"; verbose: boolean }
  | { action: "trace"; options: Options };

/** the kernel side keeps -B in 32 bits */
const mostBytes = 0xffff_ffff;

const last = (given: Given, name: FlagName) => lastOf(given, name, flags);

/** @param others the words that may stand in place of flags. @throws UsageError */
export function parseArguments(words: readonly string[], others: readonly string[] = []): Invocation {
  const { given, command } = readTracing(words, others);
  return invocationOf(given, command);
}

/** What the flags of tracing ask for. @throws UsageError */
export function invocationOf(given: Given, command: string[] | null): Invocation {
  if (given.has("help")) return { action: "help", isAll: last(given, "help") === "all" };
  const verbosity = Math.min(2, given.get("verbose")?.length ?? 0);
  if (given.has("version")) return { action: "version", verbose: verbosity > 0 };
  const summary = given.has("summary");
  const quiet = given.has("quiet");
  const format = oneOf("-f", last(given, "format"), formatNames);
  const isRecording = format === "pcapng";
  if (isRecording && summary)
    throw new UsageError("--summary is a table, not packets; leave out one of --summary and -f pcapng");
  const isReadable = given.has("text");
  const match = (given.get("match") ?? []).map((word) => new Pattern(word));
  const shows = given.has("bytes") || isReadable || match.length > 0;
  const join = duration("--join", last(given, "join"));
  if (given.has("max-bytes") && !shows && !isRecording) {
    throw new UsageError("-B limits the contents that -x shows; add -x or leave out -B");
  }
  if (quiet && verbosity > 0) throw new UsageError("-q and -v contradict each other; leave one out");
  const map = mapFrom(given);
  const output = map?.path ?? last(given, "output");
  const recording = readsFrom(given, command);
  const decode = decodeFrom(given, format);
  const stray = decode !== null ? "--decode" : summary ? "--summary" : null;
  if (join > 0 && stray !== null)
    throw new UsageError(`--join makes fewer lines of events; leave out one of --join and ${stray}`);
  const isLate = match.length > 0 || join > 0;
  const maxBytes = wholeNumber("-B", last(given, "max-bytes"), mostBytes);
  const options: Options = {
    ...kindsFrom(given),
    wanted: wanted(given, join > 0 || decode !== null ? [] : match),
    match: join > 0 || decode !== null ? match : [],
    // a table has no place for contents
    bytes: ((shows || isRecording) && !summary && map === null) || decode !== null || match.length > 0,
    isReadable,
    who: given.has("who"),
    maxBytes: decode === null && !isLate ? maxBytes : 0,
    shownBytes: isLate ? maxBytes : 0,
    join,
    isBrief: given.has("brief"),
    count: wholeNumber("-c", last(given, "count"), Number.MAX_SAFE_INTEGER),
    duration: duration("--duration", last(given, "duration")),
    format,
    summary,
    map: map?.drawing ?? null,
    decode: decode === null ? null : { ...decode, isShown: shows, maxBytes: isLate ? 0 : maxBytes },
    top: null,
    color: oneOf("--color", last(given, "color"), colors),
    recording,
    output: output === "-" ? null : output,
    lost: !given.has("no-lost"),
    verbosity,
    quiet,
    backend: oneOf("--backend", last(given, "backend"), backends),
    wait: waitingTime(last(given, "wait")),
    sure: given.has("sure"),
    ring: ringSize(last(given, "ring")),
    self: given.has("self"),
    kernelSignals: given.has("kernel-signals"),
    allNamespaces: given.has("all-ns"),
    command,
  };
  return { action: "trace", options };
}

/** What is instead of events, too, or says where they go. */
const besideMap: readonly FlagName[] = ["summary", "join", "format", "output"];

/** What --map asks for; null without it. @throws UsageError */
function mapFrom(given: Given): { drawing: DrawingName; path: string } | null {
  if (!given.has("map")) return null;
  const stray = besideMap.find((name) => given.has(name));
  if (stray !== undefined)
    throw new UsageError(`--map FILE is a map instead of events; leave out one of --map and --${stray}`);
  const path = last(given, "map");
  return { drawing: drawingFor(path), path };
}

/** --signal leaves out what is none, and so nothing else is traced. @throws UsageError */
function kindsFrom(given: Given): Pick<Options, "kinds" | "named"> {
  const selected = selectKinds(given.get("type") ?? [], given.get("not-type") ?? []);
  const flag = (["signal", "not-signal", "kernel-signals"] as const).find((name) => given.has(name));
  if (flag !== undefined && !selected.kinds.includes("signal"))
    throw new UsageError(`--${flag} is about signals; add -t signal, or leave it out`);
  if (flag !== "signal") return selected;
  return { kinds: ["signal"], named: selected.named.filter((kind) => kind === "signal") };
}

/** Flags that ask for what a recording does not have. */
const live: readonly FlagName[] = ["follow", "duration", "self", "all-ns", "kernel-signals"];

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
