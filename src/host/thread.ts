/** Threads as /proc shows them: what each sleeps in. */
import { closeSync, openSync, readSync } from "node:fs";
import { list, read } from "../proc/files.ts";
import { type CallName, callName } from "./calls.ts";

export interface Thread {
  pid: number;
  tid: number;
  /** R, S, D, T, t, Z, X, I */
  state: string;
  /** null: it runs, or sleeps in none of these */
  call: CallName | null;
  /** arguments of the call; addresses are exact, for they have 47 bits */
  args: readonly number[];
  /** the same as the int that the kernel takes of descriptors, flags and times */
  ints: readonly number[];
  /** how often it went to sleep: the same number at two looks is one sleep */
  sleeps: number;
}

/** The threads of a process, its main thread first; none when it is gone. */
export function threadsOf(pid: number): Thread[] {
  return list(`/proc/${pid}/task`)
    .map((tid) => threadOf(pid, Number(tid)))
    .filter((thread) => thread !== null);
}

function threadOf(pid: number, tid: number): Thread | null {
  const folder = `/proc/${pid}/task/${tid}`;
  const status = read(`${folder}/status`);
  const state = /^State:\s*(\w)/m.exec(status)?.[1];
  if (state === undefined) return null;
  const words = state === "S" || state === "D" ? read(`${folder}/syscall`).trim().split(" ") : [];
  const number = words.length > 1 ? Number(words[0]) : -1;
  return {
    pid,
    tid,
    state,
    call: number < 0 ? null : callName(number),
    args: words.slice(1, 7).map(Number),
    ints: words.slice(1, 7).map((word) => Number.parseInt(word.slice(-8).replace(/^0x/, ""), 16) | 0),
    sleeps: Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1] ?? 0),
  };
}

/** Memory of a process, read for what it waits for; empty where there is none. */
export function memoryOf(pid: number, address: number, length: number): Uint8Array {
  try {
    const fd = openSync(`/proc/${pid}/mem`, "r");
    try {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, address));
    } finally {
      closeSync(fd);
    }
  } catch {
    return new Uint8Array(0);
  }
}
