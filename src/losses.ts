/** What was dropped: the kernel side's counters, and the programs the kernel skipped. */
import type { Program } from "../ffi/object.ts";
import type { Traced } from "./attach.ts";
import type { Lost, LostReason } from "./event.ts";
import type { KindModule } from "./kind.ts";
import { Shared } from "./layout.ts";

/** by enum lost_reason */
const reasons: readonly LostReason[] = ["ring_full", "map_full", "fault"];
const half = 0x1_0000_0000;
/** KIND_UNKNOWN: what would have been an event of one kind or another */
const unknown = { id: 0, name: "unknown" } as const;

export class Losses {
  /** all that was found lost so far */
  total = 0;
  readonly #shared: Shared;
  readonly #kinds: readonly KindModule[];
  readonly #traced: readonly Traced[];
  readonly #seen = new Map<number, number>();
  readonly #missed = new Map<string, number>();
  readonly #polled = new Set<Program>();

  constructor(shared: Shared, kinds: readonly KindModule[], traced: readonly Traced[]) {
    this.#shared = shared;
    this.#kinds = kinds;
    this.#traced = traced;
  }

  /** Reports what was lost since the last time, one Lost (its time left alone) per kind and reason. */
  poll(lost: Lost, report: () => void): void {
    const { words } = this.#shared;
    for (const kind of [unknown, ...this.#kinds]) {
      for (let reason = 0; reason < reasons.length; reason++) {
        const at = (Shared.lost.offset + kind.id * Shared.lost.size) / 4 + reason * 2;
        const count = words[at]! + words[at + 1]! * half;
        const before = this.#seen.get(at) ?? 0;
        if (count === before) continue;
        this.#seen.set(at, count);
        this.#tell(lost, kind.name, count - before, reasons[reason]!, report);
      }
    }
  }

  /** The same for skipped programs, which costs a system call each: once in a while and at the end. */
  pollMisses(lost: Lost, report: () => void): void {
    this.#polled.clear();
    for (const { kind, programs } of this.#traced) {
      let missed = 0;
      for (const program of programs) {
        // programs of several kinds count for the first of them
        if (this.#polled.has(program)) continue;
        this.#polled.add(program);
        const misses = program.misses();
        missed += misses - (this.#missed.get(program.name) ?? 0);
        this.#missed.set(program.name, misses);
      }
      if (missed === 0) continue;
      this.#shared.misses = this.#shared.misses + 1;
      this.#tell(lost, kind.name, missed, "probe_missed", report);
    }
  }

  #tell(lost: Lost, kind: Lost["kind"], count: number, reason: LostReason, report: () => void): void {
    this.total += count;
    lost.kind = kind;
    lost.count = count;
    lost.reason = reason;
    report();
  }
}
