/** Who a process is, by /proc: for those that only /proc knew, and for what only a process itself could read of its memory. */
import { readFileSync } from "node:fs";
import type { Ancestor } from "../identity.ts";
import { commOf, link, read, startField, statOf } from "../proc/files.ts";

/** indexes of proc(5)'s fields as statOf has them: ppid, session, arg_start */
const parentField = 1;
const sessionField = 3;
const argumentsField = 45;
/** as many as the kernel side takes in */
const mostAncestors = 8;
const longest = 4096;
const encoder = new TextEncoder();

export interface Arguments {
  readonly args: readonly Uint8Array[];
  readonly isCut: boolean;
}

/** One life of a process between two execs: when it began, in clock ticks, and where its arguments are. */
export interface ProcessLife {
  readonly start: number;
  readonly argStart: number;
}

/** What /proc says of a process, all of one life of it. */
export interface ProcessFacts extends Arguments {
  readonly life: ProcessLife;
  readonly exe: Uint8Array | null;
  readonly uid: number;
  readonly ancestors: readonly Ancestor[];
  readonly cgroup: string | null;
}

/** "a\0b\0" → a, b; a title that a process wrote over them may end in any number of NULs */
export function splitArguments(bytes: Uint8Array): Uint8Array[] {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  const args: Uint8Array[] = [];
  if (bytes.length === 0) return args;
  for (let start = 0; ; ) {
    const next = bytes.subarray(0, end).indexOf(0, start);
    args.push(bytes.slice(start, next < 0 ? end : next));
    if (next < 0) return args;
    start = next + 1;
  }
}

export function lifeOf(pid: number): ProcessLife | null {
  const stat = statOf(pid);
  const [start, argStart] = [stat[startField], stat[argumentsField]];
  return start === undefined || argStart === undefined
    ? null
    : { start: Number(start), argStart: Number(argStart) };
}

function isSame(a: ProcessLife | null, b: ProcessLife | null): boolean {
  return a !== null && b !== null && a.start === b.start && a.argStart === b.argStart;
}

/** The arguments of one life of a process, as they are now; null when it has ended or became another program. */
export function argumentsOf(pid: number, life: ProcessLife): Arguments | null {
  const found = readArguments(pid);
  return found !== null && isSame(life, lifeOf(pid)) ? found : null;
}

function readArguments(pid: number): Arguments | null {
  try {
    const bytes = readFileSync(`/proc/${pid}/cmdline`);
    return { args: splitArguments(bytes.subarray(0, longest)), isCut: bytes.length > longest };
  } catch {
    return null;
  }
}

/** All of it; null when the process ended or became another program meanwhile. */
export function factsOf(pid: number): ProcessFacts | null {
  const life = lifeOf(pid);
  if (life === null) return null;
  const found = readArguments(pid);
  const exe = link(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "");
  const uid = Number(/^Uid:\s*\d+\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? Number.NaN);
  const cgroup = cgroupOf(read(`/proc/${pid}/cgroup`));
  const ancestors = ancestorsOf(pid);
  if (!isSame(life, lifeOf(pid)) || Number.isNaN(uid)) return null;
  return {
    life,
    args: found?.args ?? [],
    isCut: found?.isCut ?? false,
    exe: exe === "" ? null : encoder.encode(exe),
    uid,
    ancestors,
    cgroup,
  };
}

/** The hierarchy that the kernel side would take: version 2, else of the first controller that says more than the root. */
export function cgroupOf(text: string): string | null {
  const lines = [...text.matchAll(/^\d+:([^:]*):(.*)$/gm)].map(([, names = "", path = ""]) => ({
    names,
    path,
  }));
  const unified = lines.find(({ names }) => names === "")?.path ?? null;
  if (unified !== null && unified !== "/") return unified;
  for (const controller of ["memory", "pids", "cpu", "devices"]) {
    const path = lines.find(({ names }) => names.split(",").includes(controller))?.path;
    if (path !== undefined && path !== "/") return path;
  }
  return unified ?? lines[0]?.path ?? null;
}

function ancestorsOf(pid: number): Ancestor[] {
  const ancestors: Ancestor[] = [];
  let stat = statOf(pid);
  while (ancestors.length < mostAncestors) {
    const parent = Number(stat[parentField] ?? 0);
    if (parent <= 0) break;
    stat = statOf(parent);
    if (stat.length === 0) break;
    ancestors.push({ pid: parent, comm: commOf(parent) });
    if (Number(stat[sessionField]) === parent) break;
  }
  return ancestors;
}
