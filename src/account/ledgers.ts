/**
 * The ledgers of pipes in the tracepoint back end, which never hears of a pipe's end: before their map is full those
 * of pipes that are empty go, whether the pipe is still there or not. It gets another one when it is used again.
 */
import type { BpfMap } from "../../ffi/map.ts";
import type { Traced } from "../attach/plan.ts";
import { Ledger, type Shared } from "../layout.ts";

/** in milliseconds: between two sweeps when most pipes are in use */
const rest = 1000;
/** the part of the map that is full when it is swept: the other has to last for the longest sleep of the loop */
const full = 0.5;

export class Ledgers {
  readonly #map: BpfMap;
  readonly #shared: Shared;
  readonly #isNeeded: boolean;
  readonly #room: number;
  /** how many were begun by the last sweep, how many it left, and when that was */
  #begun = 0;
  #kept = 0;
  #swept = 0;

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
    if (begun < this.#room / 8 && performance.now() - this.#swept < rest) return;
    this.#begun = this.#shared.ledgers;
    this.#kept = 0;
    const ledger = new Ledger(new Uint32Array(Ledger.size / 4));
    for (const key of [...this.#map.keys(2)]) {
      if (!this.#map.lookup(key, ledger.words)) continue;
      if (isIdle(ledger)) this.#map.delete(key);
      else this.#kept++;
    }
    this.#swept = performance.now();
  }
}

/** Whether nothing is in the pipe, nor on its way into it or out of it. */
function isIdle({ count, totalLow, totalHigh, debtLow, debtHigh, writers, readers, lock }: Ledger): boolean {
  return (count | totalLow | totalHigh | debtLow | debtHigh | writers | readers | lock) === 0;
}
