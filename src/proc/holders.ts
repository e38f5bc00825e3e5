/**
 * Who has a socket or a terminal's master open, from /proc: for what was never seen in use. A scan
 * reads every descriptor's link, so one serves all events of a drain.
 */
import { commOf, link, list, read, statOf } from "./files.ts";
import { processes } from "./processes.ts";

/** starttime, as statOf counts */
const startField = 19;

/** A process that has something open. */
export interface Holder {
  pid: number;
  comm: Uint8Array;
}

export class Holders {
  #scanned = false;
  /** socket inode → pids */
  #sockets = new Map<number, number[]>();
  /** pts number → pids that have its master open */
  #masters = new Map<number, number[]>();

  /** @param isNested others, whom /proc does not show, may have it open too: all that is found is a guess */
  constructor(private readonly isNested = false) {}

  /**
   * The one process that has a socket open, or the youngest of several, which is a guess.
   * @param without a process that is known not to have had it yet
   */
  ofSocket(inode: number, without = -1): { holder: Holder; guess: boolean } | null {
    this.#scan();
    return this.#youngest((this.#sockets.get(inode) ?? []).filter((pid) => pid !== without));
  }

  /** The same for the master of pts/`index`. */
  ofMaster(index: number): { holder: Holder; guess: boolean } | null {
    this.#scan();
    return this.#youngest(this.#masters.get(index) ?? []);
  }

  /** The next question is answered by a new scan. */
  refresh(): void {
    this.#scanned = false;
  }

  #scan(): void {
    if (this.#scanned) return;
    this.#scanned = true;
    this.#sockets = new Map();
    this.#masters = new Map();
    for (const pid of processes()) this.#scanProcess(pid);
  }

  #youngest(pids: readonly number[]): { holder: Holder; guess: boolean } | null {
    const found = youngest(pids);
    if (found !== null && this.isNested) found.guess = true;
    return found;
  }

  #scanProcess(pid: number): void {
    for (const fd of list(`/proc/${pid}/fd`)) {
      const target = link(`/proc/${pid}/fd/${fd}`);
      if (target.startsWith("socket:[")) {
        add(this.#sockets, Number(target.slice(8, -1)), pid);
      } else if (target === "/dev/ptmx" || target.endsWith("/ptmx")) {
        const index = /^tty-index:\s*(\d+)/m.exec(read(`/proc/${pid}/fdinfo/${fd}`))?.[1];
        if (index !== undefined) add(this.#masters, Number(index), pid);
      }
    }
  }
}

function add(map: Map<number, number[]>, key: number, pid: number): void {
  const pids = map.get(key);
  if (pids === undefined) map.set(key, [pid]);
  else if (!pids.includes(pid)) pids.push(pid);
}

function youngest(pids: readonly number[]): { holder: Holder; guess: boolean } | null {
  let best: { pid: number; start: number } | null = null;
  let alive = 0;
  for (const pid of pids) {
    const start = startTime(pid);
    if (start === null) continue;
    alive++;
    if (best === null || start > best.start || (start === best.start && pid > best.pid))
      best = { pid, start };
  }
  if (best === null) return null;
  return { holder: { pid: best.pid, comm: commOf(best.pid) }, guess: alive > 1 };
}

/** Clock ticks from boot to the start of a process, null when it is gone. */
function startTime(pid: number): number | null {
  const start = statOf(pid)[startField];
  return start === undefined ? null : Number(start);
}
