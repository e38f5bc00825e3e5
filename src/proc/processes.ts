/** The pid namespace we are in, and the processes that /proc shows of it. */
import { statSync } from "node:fs";
import { link, list, read } from "./files.ts";

/** inode of the initial pid namespace, the same in every kernel (PROC_PID_INIT_INO) */
const initial = 4026531836;

/** The inode of our pid namespace; 0 when it is the initial one, or can't be told. */
export function pidNamespace(): number {
  try {
    const { ino } = statSync("/proc/self/ns/pid");
    return ino === initial ? 0 : ino;
  } catch {
    return 0; // no /proc
  }
}

let isOurs: boolean | null = null;

/** Whether the pids in /proc are those of our pid namespace: it may have been mounted in one around it. */
export function showsOurPids(): boolean {
  isOurs ??= link("/proc/self") === `${process.pid}` && isInnermost();
  return isOurs;
}

/** Every pid there is; none where /proc goes by other numbers than we do. */
export function processes(): number[] {
  if (!showsOurPids()) return [];
  const pids: number[] = [];
  for (const name of list("/proc")) {
    const pid = Number(name);
    if (Number.isInteger(pid)) pids.push(pid);
  }
  return pids;
}

/** NSpid has our pid in the namespace of /proc, then in each one further in. */
function isInnermost(): boolean {
  const line = /^NSpid:(.*)/m.exec(read("/proc/self/status"))?.[1];
  return line === undefined || line.trim().split(/\s+/).length === 1;
}
