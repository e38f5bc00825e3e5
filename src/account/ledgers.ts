/**
 * The ledgers of pipes in the tracepoint back end, which never hears of a pipe's end. Before their map is full
 * those of empty pipes go, whether the pipe is still there or not. It gets another one when it is used again. When
 * that is not enough, those go whose pipe is closed, perhaps with bytes in it.
 */
import { whole } from "../../ffi/halves.ts";
import type { BpfMap } from "../../ffi/map.ts";
import type { Traced } from "../attach/plan.ts";
import { Ledger, LedgerFlags, type Shared } from "../layout.ts";
import { openPipes } from "../proc/pipes.ts";

/** in milliseconds: between two sweeps when most pipes are in use */
const rest = 1000;
/** how many times as long as a look at all that is open takes of a processor's time there is none after it */
const leisure = 8;
/** the part of the map that is full when it is swept; the rest has to last for the loop's longest sleep */
const full = 0.5;

/** A ledger with something in it. */
interface Used {
  key: Uint32Array;
  inode: number;
  isFifo: boolean;
}

export class Ledgers {
  readonly #map: BpfMap;
  readonly #shared: Shared;
  readonly #isNeeded: boolean;
  readonly #room: number;
  /** how many were begun by the last sweep, how many it left, and when that was */
  #begun = 0;
  #kept = 0;
  #swept = 0;
  /** when it may be looked again at what is open */
  #lookDue = 0;
  readonly #ledger = new Ledger(new Uint32Array(Ledger.size / 4));

  constructor(map: BpfMap, shared: Shared, traced: readonly Traced[]) {
    this.#map = map;
    this.#shared = shared;
    this.#isNeeded = traced.some(({ kind, backend }) => kind.name === "pipe" && backend === "tracepoint");
    this.#room = map.maxEntries;
  }

  /** Makes room when there is little left. */
  sweep(): void {
    if (!this.#isNeeded) return;
    const begun = (this.#shared.ledgers - this.#begun) >>> 0;
    if (begun + this.#kept < this.#room * full) return;
    const isDue = performance.now() >= Math.max(this.#swept + rest, this.#lookDue);
    if (begun < this.#room / 8 && !isDue) return;
    this.#begun = this.#shared.ledgers;
    const used = this.#dropIdle();
    this.#kept = used.length;
    if (used.length >= this.#room * full && performance.now() >= this.#lookDue) this.#dropClosed(used);
    this.#swept = performance.now();
  }

  /** The keys of those that are left. */
  #dropIdle(): Used[] {
    const used: Used[] = [];
    const ledger = this.#ledger;
    for (const key of [...this.#map.keys(2)]) {
      if (!this.#map.lookup(key, ledger.words)) continue;
      if (isIdle(ledger)) this.#map.delete(key);
      else used.push({ key, inode: inodeOf(ledger), isFifo: (ledger.flags & LedgerFlags.LEDGER_FIFO) !== 0 });
    }
    return used;
  }

  /** Where open pipes can't be told, all go. The bytes of a few have no name then, but no pipe is left out. */
  #dropClosed(used: Used[]): void {
    const start = processorTime();
    const open = openPipes(used.some(({ isFifo }) => isFifo));
    for (const { key, inode } of used) {
      if (open?.has(inode)) continue;
      // it may serve another pipe by now
      if (!this.#map.lookup(key, this.#ledger.words) || inodeOf(this.#ledger) !== inode) continue;
      this.#map.delete(key);
      this.#kept--;
    }
    this.#lookDue = performance.now() + leisure * (processorTime() - start);
  }
}

/** In milliseconds. On a busy machine a look takes long without costing more, and pipes are blind until the next one. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function inodeOf({ inodeLow, inodeHigh }: Ledger): number {
  return whole(inodeLow, inodeHigh);
}

/** Whether nothing is in the pipe, nor on its way into it or out of it. */
function isIdle({ count, totalLow, totalHigh, debtLow, debtHigh, writers, readers, lock }: Ledger): boolean {
  return (count | totalLow | totalHigh | debtLow | debtHigh | writers | readers | lock) === 0;
}
