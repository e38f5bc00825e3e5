/** Locks of files, as /proc/locks has them: who sleeps for one, and who has it. */
import { link, read } from "../proc/files.ts";
import type { Thread } from "./thread.ts";
import type { Wait } from "./wait.ts";

/** What a thread in flock(2) or fcntl(2) waits for. */
export function lockWait({ pid, ints }: Thread): Omit<Wait, "thread"> {
  const name = link(`/proc/${pid}/fd/${ints[0]}`);
  const rows = read("/proc/locks").split("\n");
  const mine = rows.find((row) => row.includes("->") && fieldsOf(row).pid === pid);
  const number = mine === undefined ? null : mine.slice(0, mine.indexOf(":"));
  const holders = rows.filter((row) => !row.includes("->") && row.slice(0, row.indexOf(":")) === number);
  const by = [...new Set(holders.map((row) => fieldsOf(row).pid).filter((holder) => holder > 0))];
  return {
    text: `waits for a lock on ${name || "a file"}`,
    whose: "held by",
    by,
    isOpen: by.length === 0,
    isFull: false,
  };
}

function fieldsOf(row: string): { pid: number } {
  return { pid: Number(/(?:READ|WRITE)\s+(-?\d+)/.exec(row)?.[1] ?? 0) };
}
