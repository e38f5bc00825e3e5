/** The `unread` lines at the end: pipes that still hold bytes, whose they are and who could read them. */
import { statSync } from "node:fs";
import { whole, wordSpan } from "../../ffi/halves.ts";
import type { BpfObject } from "../../ffi/object.ts";
import type { Traced } from "../attach/plan.ts";
import { printable, processText } from "../bytes/escape.ts";
import type { End } from "../event.ts";
import { Ledger, Run } from "../layout.ts";
import type { Names } from "../name/names.ts";
import { commOf, link, list, read } from "../proc/files.ts";
import { processes } from "../proc/processes.ts";

const most = 10;
const accessMode = 3;
const writeOnly = 1;

/** One pipe with bytes in it. */
interface Unread {
  inode: number;
  bytes: number;
  writers: string[];
}

/** At most ten lines, the fullest pipes first; pipes that nobody has open any more are gone. */
export function unreadPipes(object: BpfObject, traced: readonly Traced[], names: Names): string[] {
  if (!traced.some(({ kind }) => kind.name === "pipe")) return [];
  const full = fullPipes(object, names);
  if (full.size === 0) return [];
  const opened = findOpened(full);
  return [...full.values()]
    .filter(({ inode }) => opened.has(inode))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, most)
    .map(({ inode, bytes, writers }) => {
      const { name, readers } = opened.get(inode)!;
      const from = writers.length > 0 ? writers.join(", ") : "-1(<unknown>)";
      const to = readers.length > 0 ? readers.join(", ") : "nobody";
      return `unread: pipe ${inode} ${name}: ${bytes} bytes from ${from}, readers: ${to}`;
    });
}

function fullPipes(object: BpfObject, names: Names): Map<number, Unread> {
  const full = new Map<number, Unread>();
  const ledgers = object.map("ledgers");
  const words = new Uint32Array(Ledger.size / 4);
  const ledger = new Ledger(words);
  const run = new Run(words);
  const writer: End = { pid: -1, comm: null, guess: false };
  for (const key of ledgers.keys(2)) {
    if (!ledgers.lookup(key, words)) continue;
    const bytes = whole(ledger.totalLow, ledger.totalHigh);
    if (ledger.count === 0 || ledger.totalHigh >= wordSpan / 2) continue;
    const writers = new Set<string>();
    for (let i = 0; i < ledger.count; i++) {
      run.at = (Ledger.runs.offset + ((ledger.first + i) % Ledger.runs.length) * Ledger.runs.size) / 4;
      names.recall(writer, run.whoTgid, run.whoTag);
      writers.add(processText(writer.pid, writer.comm));
    }
    const inode = whole(ledger.inodeLow, ledger.inodeHigh);
    full.set(inode, { inode, bytes, writers: [...writers] });
  }
  return full;
}

interface Opened {
  /** `<anonymous>` or the path of the FIFO */
  name: string;
  readers: string[];
}

/** The processes that have the pipes open, from /proc. This is the end, and it may take its time. */
function findOpened(wanted: ReadonlyMap<number, Unread>): Map<number, Opened> {
  const opened = new Map<number, Opened>();
  for (const pid of processes().filter((pid) => pid !== process.pid)) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      const pipe = pipeOf(`/proc/${pid}/fd/${fd}`);
      if (pipe === null || !wanted.has(pipe.inode)) continue;
      const held = opened.get(pipe.inode) ?? { name: pipe.name, readers: [] };
      opened.set(pipe.inode, held);
      if (!canRead(`/proc/${pid}/fdinfo/${fd}`)) continue;
      const reader = processText(pid, commOf(pid));
      if (!held.readers.includes(reader)) held.readers.push(reader);
    }
  }
  return opened;
}

function pipeOf(path: string): { inode: number; name: string } | null {
  const target = link(path);
  const anonymous = /^pipe:\[(\d+)\]$/.exec(target);
  if (anonymous !== null) return { inode: Number(anonymous[1]), name: "<anonymous>" };
  if (!target.startsWith("/")) return null;
  try {
    const stats = statSync(path);
    return stats.isFIFO() ? { inode: stats.ino, name: printable(target) } : null;
  } catch {
    return null; // closed, or gone with its process
  }
}

function canRead(fdinfo: string): boolean {
  const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(read(fdinfo))?.[1] ?? "0", 8);
  return (flags & accessMode) !== writeOnly;
}
