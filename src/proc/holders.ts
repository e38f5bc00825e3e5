/**
 * The processes that have a socket or a side of a terminal open: for those never seen in use. One look at all of them
 * serves all events of a drain. It is the kernel's iterator that looks, or /proc, which takes fifteen times as long,
 * for every descriptor's link is read there.
 */
import { commOf, descriptorsOf, link, list, nanosecondsPerTick, read, startField, statOf } from "./files.ts";
import type { Listing } from "./opened.ts";
import { processes, showsOurPids } from "./processes.ts";

/** with more descriptors than these a process is looked through when nobody else has what is looked for, and rarely */
const many = 16384;
/** and so is one with more than these, when it has that many together with others like it */
const some = 1024;
/** in milliseconds: the time for that within a drain, as others wait for names too, and the rest after all */
const slice = 2;
const rest = 1000;

/** Who has something open by now. */
export interface Opened {
  holder: Holder;
  /** others may have it as well */
  guess: boolean;
  /** when that process began at the latest (CLOCK_BOOTTIME, ns) */
  born: number;
}

/** A process that has something open. */
export interface Holder {
  pid: number;
  comm: Uint8Array;
}

/** The descriptors of processes. */
class Inventory {
  /** socket inode → pids */
  readonly sockets = new Map<number, number[]>();
  /** pts number → pids that have its master open; ~number → its slave */
  readonly terminals = new Map<number, number[]>();

  /** Adds what all processes have open, @throws Error when the kernel tells no longer */
  list(listing: Listing): void {
    listing((pid, inode, index) => {
      if (inode !== 0) add(this.sockets, inode, pid);
      else add(this.terminals, index, pid);
    });
  }

  /** Adds what a process has open. */
  scan(pid: number): void {
    for (const _ of this.steps(pid));
  }

  /** The same, a descriptor a step. */
  *steps(pid: number): Generator<void> {
    for (const fd of list(`/proc/${pid}/fd`)) {
      yield;
      const target = link(`/proc/${pid}/fd/${fd}`);
      if (target.startsWith("socket:[")) {
        add(this.sockets, Number(target.slice(8, -1)), pid);
      } else if (target === "/dev/ptmx" || target.endsWith("/ptmx")) {
        const index = /^tty-index:\s*(\d+)/m.exec(read(`/proc/${pid}/fdinfo/${fd}`))?.[1];
        if (index !== undefined) add(this.terminals, Number(index), pid);
      } else if (target.startsWith("/dev/pts/")) {
        add(this.terminals, ~Number(target.slice("/dev/pts/".length)), pid);
      }
    }
  }
}

export class Holders {
  #scanned = false;
  /** who was found, as he was called then: what he is called later may not be told of yet */
  readonly #found = new Map<number, { start: number; holder: Holder }>();
  /** for what the look before has missed: a descriptor that was moved meanwhile */
  #hasLookedAgain = false;
  #opened = new Inventory();
  /** those with many descriptors, and their sockets and terminals at the last look */
  #large: number[] = [];
  #openedByLarge = new Inventory();
  #largeDue = 0;
  #steps: Generator<void> | null = null;
  /** in this drain, already */
  #hasGoneOn = false;
  /** told once of each process with many descriptors, and how many they are */
  onLarge: ((pid: number, count: number) => void) | null = null;
  readonly #told = new Set<number>();

  /**
   * @param isNested others, whom /proc does not show, may have it open too: all that is found is a guess
   * @param listing null where the kernel has no iterator
   */
  constructor(
    private readonly isNested = false,
    private listing: Listing | null = null,
  ) {}

  /**
   * The one process that has a socket open, or the youngest of several, which is a guess.
   * @param without a process that is known not to have had it yet
   */
  ofSocket(inode: number, without = -1): Opened | null {
    return this.#find(({ sockets }) => (sockets.get(inode) ?? []).filter((pid) => pid !== without));
  }

  /** The same by another look, where those who had it at this one have ended since: another may have it from them. */
  ofSocketNow(inode: number, without = -1): Opened | null {
    const found = this.ofSocket(inode, without);
    if (found !== null || !this.#opened.sockets.get(inode)?.some((pid) => pid !== without)) return found;
    this.refresh();
    return this.ofSocket(inode, without);
  }

  /** The same for a side of pts/`index`. */
  ofTerminal(index: number, isMaster: boolean, without = -1): Opened | null {
    const key = isMaster ? index : ~index;
    return this.#find(({ terminals }) => (terminals.get(key) ?? []).filter((pid) => pid !== without));
  }

  /** The next question is answered by a new scan. */
  refresh(): void {
    this.#scanned = false;
    this.#hasLookedAgain = false;
    this.#found.clear();
  }

  #scan(): void {
    if (this.#scanned) return;
    this.#scanned = true;
    if (this.listing !== null && this.#list(this.listing)) return;
    this.#hasGoneOn = false;
    this.#opened = new Inventory();
    this.#large = [];
    let ofAll = 0;
    for (const pid of processes()) {
      const count = descriptorsOf(pid);
      if (count <= some || (count <= many && ofAll + count <= many)) {
        if (count > some) ofAll += count;
        this.#opened.scan(pid);
        continue;
      }
      this.#large.push(pid);
      if (!this.#told.has(pid)) this.onLarge?.(pid, count);
      this.#told.add(pid);
    }
  }

  /** Has the iterator look; false when /proc has to. */
  #list(listing: Listing): boolean {
    // whom it names is asked for in /proc
    if (!showsOurPids()) return false;
    const inventory = new Inventory();
    try {
      inventory.list(listing);
    } catch {
      this.listing = null;
      return false;
    }
    this.#opened = inventory;
    return true;
  }

  /** Goes on looking through those with many descriptors. Their finds count once all are looked through. */
  #scanLarge(): void {
    const start = performance.now();
    if (this.#hasGoneOn || start < this.#largeDue) return;
    this.#hasGoneOn = true;
    this.#steps ??= this.#stepsOfLarge();
    do if (this.#steps.next().done) return;
    while (performance.now() - start < slice);
  }

  *#stepsOfLarge(): Generator<void> {
    const inventory = new Inventory();
    for (const pid of this.#large) yield* inventory.steps(pid);
    this.#openedByLarge = inventory;
    this.#largeDue = performance.now() + rest;
    this.#steps = null;
  }

  #find(of: (opened: Inventory) => readonly number[]): Opened | null {
    this.#scan();
    const pids = of(this.#opened);
    if (pids.length === 0 && this.#large.length > 0) this.#scanLarge();
    const found =
      this.#youngest(pids) ?? (this.#large.length > 0 ? this.#youngest(of(this.#openedByLarge)) : null);
    // one with many descriptors may have it too, or no longer
    if (found !== null && (this.isNested || this.#large.length > 0)) found.guess = true;
    if (found !== null || this.#hasLookedAgain) return found;
    this.#hasLookedAgain = true;
    this.#scanned = false;
    return this.#find(of);
  }

  #youngest(pids: readonly number[]): Opened | null {
    let best: { pid: number; start: number } | null = null;
    let alive = 0;
    for (const pid of pids) {
      const start = startTime(pid);
      if (start === null) continue;
      alive++;
      if (best === null || start > best.start || (start === best.start && pid > best.pid))
        best = { pid, start };
    }
    if (best === null) return null;
    const { pid, start } = best;
    return { holder: this.#holder(pid, start), guess: alive > 1, born: (start + 1) * nanosecondsPerTick };
  }

  #holder(pid: number, start: number): Holder {
    const known = this.#found.get(pid);
    if (known?.start === start) return known.holder;
    const holder = { pid, comm: commOf(pid) };
    this.#found.set(pid, { start, holder });
    return holder;
  }
}

function add(map: Map<number, number[]>, key: number, pid: number): void {
  const pids = map.get(key);
  if (pids === undefined) map.set(key, [pid]);
  else if (!pids.includes(pid)) pids.push(pid);
}

/** Clock ticks from boot to the start of a process, null when it is gone. */
function startTime(pid: number): number | null {
  const start = statOf(pid)[startField];
  return start === undefined ? null : Number(start);
}
