/** Processes by the names that they have now. */
import { processText } from "../bytes/escape.ts";
import { commOf } from "../proc/files.ts";

/** `812(node)` */
export function processNow(pid: number): string {
  return processText(pid, commOf(pid));
}
