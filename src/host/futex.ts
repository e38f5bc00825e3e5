/** Futexes: words in memory that threads sleep on. Of those that processes share, who holds the lock. */
import { list, read } from "../proc/files.ts";
import { processes } from "../proc/processes.ts";
import { memoryOf, type Thread } from "./thread.ts";
import type { Wait } from "./wait.ts";

const isPrivate = 128;
const operation = 127;
const ownerMask = 0x3fff_ffff;
/** FUTEX_WAIT_BITSET, FUTEX_LOCK_PI, FUTEX_WAIT_REQUEUE_PI, FUTEX_LOCK_PI2: the word, or one near, has the owner */
const waits = [0, 9];
/** offset of the owner in a mutex of glibc's or musl's from the word slept on */
const ownerOffset = { glibc: 8, musl: 0 };

/** What a thread in futex(2) waits for. */
export function futexWait(thread: Thread): Omit<Wait, "thread"> {
  const { pid, args, ints } = thread;
  const [address, flags, hasTime] = [args[0]!, ints[1]!, args[3] !== 0];
  const mapping = (flags & isPrivate) !== 0 ? null : mappingAt(pid, address);
  if (mapping === null) {
    const text = "waits for another thread (futex)";
    return { text, whose: "its own threads", by: [pid], isOpen: hasTime, isFull: false };
  }
  const sharers = processes().filter((other) => other !== pid && hasMapped(other, mapping.file));
  const owner = ownerOf(thread, address, [pid, ...sharers]);
  const text = `waits for a lock in shared memory ${mapping.name} (futex)`;
  if (owner !== null) return { text, whose: "held by", by: [owner], isOpen: hasTime, isFull: false };
  // nobody else has it any more: only its own threads are left to wake it
  if (sharers.length === 0)
    return { text, whose: "its own threads", by: [pid], isOpen: hasTime, isFull: false };
  return { text, whose: "shared with", by: sharers, isOpen: hasTime, isFull: false };
}

/** The process whose thread the lock names; null when it names none of the sharers'. */
function ownerOf({ pid, ints }: Thread, address: number, sharers: readonly number[]): number | null {
  const bytes = memoryOf(pid, address, 12);
  if (bytes.length < 12) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const offsets = waits.includes(ints[1]! & operation) ? [ownerOffset.glibc, ownerOffset.musl] : [0];
  for (const offset of offsets) {
    const tid = view.getUint32(offset, true) & ownerMask;
    const holder = sharers.find((one) => tid > 1 && list(`/proc/${one}/task`).includes(`${tid}`));
    if (holder !== undefined) return holder;
  }
  return null;
}

interface Mapped {
  /** device and inode, as the maps say them */
  file: string;
  name: string;
}

/** The shared mapping that an address lies in. */
function mappingAt(pid: number, address: number): Mapped | null {
  for (const line of read(`/proc/${pid}/maps`).split("\n")) {
    const row = /^([0-9a-f]+)-([0-9a-f]+) ...(.) \S+ (\S+ \d+)\s*(.*)$/.exec(line);
    if (row === null) continue;
    const [, from = "", to = "", sharing, file = "", name = ""] = row;
    if (address < Number.parseInt(from, 16) || address >= Number.parseInt(to, 16)) continue;
    return sharing === "s" ? { file, name } : null;
  }
  return null;
}

function hasMapped(pid: number, file: string): boolean {
  return read(`/proc/${pid}/maps`)
    .split("\n")
    .some((line) => line.includes(` ${file} `) || line.endsWith(` ${file}`));
}
