/** Names of processes as they are now, for people. */
import { printable } from "../bytes/escape.ts";
import { commOf } from "../proc/files.ts";

export function commText(pid: number): string {
  return printable(commOf(pid));
}
