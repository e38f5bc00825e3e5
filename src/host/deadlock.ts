/**
 * Who can go on, and who can't. A process can when one of its threads runs, or waits for something that may come from
 * elsewhere, or for a process that can. All the others wait for each other, however many ways each has: that is a
 * deadlock, and no judgement by how long it lasts.
 */
import type { Wait } from "./wait.ts";

type Waits = ReadonlyMap<number, readonly Wait[]>;

/** The processes that can't go on. */
export function stuckIn(waits: Waits): Set<number> {
  const stuck = new Set(waits.keys());
  /** process → those that wait for it */
  const waiting = new Map<number, number[]>();
  const open: number[] = [];
  for (const [pid, threads] of waits) {
    for (const other of new Set(threads.flatMap(({ by }) => by)))
      waiting.set(other, [...(waiting.get(other) ?? []), pid]);
    if (
      threads.length === 0 ||
      threads.some(({ isOpen, by }) => isOpen || by.some((other) => !waits.has(other)))
    )
      open.push(pid);
  }
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    if (!stuck.delete(pid)) continue;
    open.push(...(waiting.get(pid) ?? []));
  }
  return stuck;
}

/** The cycles among those that can't go on: each a set of processes that all wait for one another. */
export function cyclesIn(waits: Waits): number[][] {
  const stuck = stuckIn(waits);
  const cycles: number[][] = [];
  const done = new Set<number>();
  for (const pid of stuck) {
    if (done.has(pid)) continue;
    const ahead = reachable(pid, waits, stuck);
    if (!ahead.has(pid)) continue;
    const cycle = [...ahead].filter((other) => reachable(other, waits, stuck).has(pid));
    for (const other of cycle) done.add(other);
    cycles.push(cycle.sort((a, b) => a - b));
  }
  return cycles;
}

/** Those that a process waits for, directly or not; itself only when it is among them. */
function reachable(from: number, waits: Waits, within: ReadonlySet<number>): Set<number> {
  const found = new Set<number>();
  const open = [from];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    for (const { by } of waits.get(pid) ?? [])
      for (const other of by)
        if (within.has(other) && !found.has(other)) {
          found.add(other);
          open.push(other);
        }
  }
  return found;
}
