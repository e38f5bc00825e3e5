/** The filter flags as data. The kernel side and src/filter/filter.ts are set up from it. */
import { WantedPath } from "./path.ts";

/** Processes by pid or by name. */
export interface Processes {
  readonly pids: readonly number[];
  /** raw bytes, at most 15 of them, as the kernel keeps names */
  readonly comms: readonly Uint8Array[];
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
  /** -s, -d and -p mean the descendants too */
  readonly follow: boolean;
  /** --path: pipe_name, path, src_path or tty_name is like one of these, or stands for the same file */
  readonly paths: readonly WantedPath[];
  /** --port: one of these at either end */
  readonly ports: readonly number[];
}

/** TASK_COMM_LEN without its NUL */
const commLength = 15;
const encoder = new TextEncoder();

export function processes(pids: readonly number[], comms: readonly string[]): Processes {
  return { pids, comms: comms.map((comm) => encoder.encode(comm).slice(0, commLength)) };
}

export function paths(patterns: readonly string[]): WantedPath[] {
  return patterns.map((pattern) => new WantedPath(pattern));
}
