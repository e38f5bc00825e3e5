/** The host at one moment: its connections, and what every thread of every process waits for. */
import { statOf } from "../proc/files.ts";
import { processes } from "../proc/processes.ts";
import { Connections } from "./connection.ts";
import { waitOf } from "./sleep.ts";
import { openDescriptors } from "./snapshot.ts";
import { threadsOf } from "./thread.ts";
import type { Known, Wait } from "./wait.ts";

/** The field of /proc/PID/stat with the parent, as statOf counts. */
const parentField = 1;

export interface Host extends Known {
  /** the waits of each process, its main thread's first */
  waits: ReadonlyMap<number, readonly Wait[]>;
}

/** Looks at everything but ourselves. @throws NativeError */
export function lookAtHost(): Host {
  const pids = processes().filter((pid) => pid !== process.pid);
  const connections = new Connections(openDescriptors().filter(({ pid }) => pid !== process.pid));
  const children = Map.groupBy(pids, (pid) => Number(statOf(pid)[parentField] ?? 0));
  const known = { connections, children };
  const waits = new Map(pids.map((pid) => [pid, threadsOf(pid).map((thread) => waitOf(thread, known))]));
  return { ...known, waits };
}
