/** Files of /proc. One that is gone, or not ours to look at, is empty. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

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

/** The name of a process as it is, `<unknown>` when it is gone. */
export function commOf(pid: number): Uint8Array {
  try {
    return readFileSync(`/proc/${pid}/comm`).subarray(0, -1);
  } catch {
    return unknown;
  }
}

/** The fields of /proc/PID/stat behind the name, which may hold blanks and parentheses; none when it is gone. */
export function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}
