/** A chain of waits as text: a process, what its threads wait for, and below each who could end that. */

import { processNow } from "../host/comm.ts";
import type { Host } from "../host/host.ts";
import type { Wait } from "../host/wait.ts";

const deepest = 16;
/** of those that could end a wait, this many are followed */
const most = 8;
const indent = "  ";

/** `812(node) reads pipe 4711, empty` */
export function lineOf({ thread, text }: Wait): string {
  const which = thread.tid === thread.pid ? "" : ` thread ${thread.tid}`;
  return `${processNow(thread.pid)}${which} ${text}`;
}

/**
 * The lines for a process and all it waits for, the first `depth` steps from the margin.
 * @param told the processes that stand above already; those of these lines are added
 */
export function chain(pid: number, host: Host, depth = 0, told = new Set<number>()): string[] {
  const lines: string[] = [];
  follow(pid, host, depth, "", told, lines);
  return lines;
}

function follow(
  pid: number,
  host: Host,
  depth: number,
  prefix: string,
  told: Set<number>,
  lines: string[],
): void {
  const margin = indent.repeat(depth) + prefix;
  const waits = host.waits.get(pid);
  if (waits === undefined || waits.length === 0) {
    lines.push(`${margin}${processNow(pid)} is gone`);
    return;
  }
  if (told.has(pid)) {
    lines.push(`${margin}${processNow(pid)}, as above`);
    return;
  }
  told.add(pid);
  for (const { wait, more } of alike(waits)) {
    lines.push(`${margin}${lineOf(wait)}${more === 0 ? "" : `; ${more} more threads do`}`);
    const others = wait.by.filter((other) => other !== pid || wait.whose !== "its own threads");
    if (depth >= deepest) continue;
    for (const other of others.slice(0, most)) follow(other, host, depth + 1, `${wait.whose}: `, told, lines);
    if (others.length > most) lines.push(`${indent.repeat(depth + 1)}and ${others.length - most} more`);
  }
}

/** Threads that wait for the same told once. */
function alike(waits: readonly Wait[]): { wait: Wait; more: number }[] {
  const first = new Map<string, { wait: Wait; more: number }>();
  for (const wait of waits) {
    const same = first.get(wait.text);
    if (same === undefined) first.set(wait.text, { wait, more: 0 });
    else same.more++;
  }
  return [...first.values()];
}
