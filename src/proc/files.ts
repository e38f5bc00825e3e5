/** Files of /proc. One that is gone, or not ours to look at, is empty. */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";

const unknown = new TextEncoder().encode("<unknown>");

/** The names in a folder. */
export function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Where a symbolic link leads. */
export function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** The text of a file. */
export function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** How many descriptors a process has; before Linux 6.2, how many it has room for. 0 when it is gone. */
export function descriptorsOf(pid: number): number {
  try {
    return (
      statSync(`/proc/${pid}/fd`).size ||
      Number(/^FDSize:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
    );
  } catch {
    return 0;
  }
}

/** The name of a process as it is, `<unknown>` when it is gone. */
export function commOf(pid: number): Uint8Array {
  try {
    return readFileSync(`/proc/${pid}/comm`).subarray(0, -1);
  } catch {
    return unknown;
  }
}

/** index of proc(5)'s starttime as statOf has it, in clock ticks since boot */
export const startField = 19;
/** USER_HZ is 100 everywhere */
export const nanosecondsPerTick = 1e7;

/** The fields of /proc/PID/stat behind the name, which may hold blanks and parentheses; none when it is gone. */
export function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}
