/** The descendants of processes right now. The kernel side tells of those that are born later. */
import { statOf } from "./files.ts";
import { processes } from "./processes.ts";

/**
 * Calls `found` for every living descendant of `ancestors`, a parent always before its children. A process without
 * its parent belongs to nobody here.
 */
export function eachDescendant(
  ancestors: Iterable<number>,
  found: (parent: number, child: number) => void,
): void {
  const children = Map.groupBy(processes(), parentOf);
  const known = new Set<number>();
  const open = [...ancestors];
  for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
    if (known.has(parent)) continue;
    known.add(parent);
    for (const child of children.get(parent) ?? []) {
      found(parent, child);
      open.push(child);
    }
  }
}

/** 0 for one that is gone */
function parentOf(pid: number): number {
  const [, parent] = statOf(pid);
  return Number(parent ?? 0);
}
