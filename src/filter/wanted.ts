/** The filter flags as data. The kernel side and src/filter/filter.ts are set up from it. */
import type { Pattern } from "../match/pattern.ts";
import type { Description } from "./described.ts";
import { Glob } from "./glob.ts";
import { WantedPath } from "./path.ts";

/** Processes by pid or by name. */
export interface Processes {
  readonly pids: readonly number[];
  /** raw bytes, at most 15 of them, as the kernel keeps names */
  readonly comms: readonly Uint8Array[];
  /** names that are patterns */
  readonly globs: readonly Glob[];
}

/**
 * The groups of -s -S, -d -D and -p -P. Any match within a group passes it. An event must pass every group that is
 * not empty.
 */
export interface Wanted {
  readonly source: Processes;
  readonly destination: Processes;
  readonly either: Processes;
  /** --not-pid and --not-comm: neither end may be one of these; an unknown end is none of them */
  readonly excluded: Processes;
  /** --not-src-pid and --not-src-comm: the source is none of these */
  readonly notSource: Processes;
  /** --not-dst-pid and --not-dst-comm: nor is the destination one of these */
  readonly notDestination: Processes;
  /** --src-exe and its like, of the source */
  readonly describedSource: Description;
  /** --dst-exe and its like */
  readonly describedDestination: Description;
  /** --exe and its like: either end */
  readonly describedEither: Description;
  /** --not-exe and its like: neither end has one of these */
  readonly describedExcluded: Description;
  /** -s, -d and -p mean the descendants too */
  readonly follow: boolean;
  /** --path: pipe_name, path, src_path or tty_name is like one of these, or stands for the same file */
  readonly paths: readonly WantedPath[];
  /** --not-path: none of them is like one of these */
  readonly notPaths: readonly WantedPath[];
  /** --port: one of these at either end */
  readonly ports: readonly number[];
  /** --not-port: none of these at either end */
  readonly notPorts: readonly number[];
  /** --signal, --not-signal: these only; none: all */
  readonly signals: readonly number[];
  /** --no-self: source and destination are two processes */
  readonly noSelf: boolean;
  /** --match: contents have one of these */
  readonly match: readonly Pattern[];
}

/** TASK_COMM_LEN without its NUL */
const commLength = 15;
const encoder = new TextEncoder();

/** The characters of a pattern that stand for others. */
const wild = /[*?[\\]/;

/** @param names patterns, or plain names, of which the kernel keeps 15 bytes */
export function processes(pids: readonly number[], names: readonly string[]): Processes {
  return {
    pids,
    comms: names.filter(isPlain).map((name) => encoder.encode(name).slice(0, commLength)),
    globs: names.filter((name) => !isPlain(name)).map((name) => new Glob(name)),
  };
}

/** Whether there is nothing to be matched, or only behind what the kernel keeps of a name. */
function isPlain(name: string): boolean {
  const at = name.search(wild);
  return at < 0 || encoder.encode(name.slice(0, at)).length >= commLength;
}

export function paths(patterns: readonly string[]): WantedPath[] {
  return patterns.map((pattern) => new WantedPath(pattern));
}

/** Whether it takes more than a pid or a name to choose. */
export function isByIdentity(wanted: Wanted): boolean {
  const { describedSource, describedDestination, describedEither, describedExcluded } = wanted;
  return [describedSource, describedDestination, describedEither, describedExcluded].some((description) =>
    Object.values(description).some((values: readonly string[]) => values.length > 0),
  );
}
