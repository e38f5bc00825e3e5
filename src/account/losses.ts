/** The losses: the kernel side's counters, and the programs that the kernel skipped. */
import type { Program } from "../../ffi/program.ts";
import type { Traced } from "../attach/plan.ts";
import type { Lost, LostReason } from "../event.ts";
import type { KindModule } from "../kinds/kind.ts";
import { Shared } from "../layout.ts";

/** by enum lost_reason */
const reasons: readonly LostReason[] = ["ring_full", "map_full", "fault"];
/** KIND_UNKNOWN: an event of one kind or another */
const unknown = { id: 0, name: "unknown" } as const;

/** One of the kernel side's counters. */
interface Counter {
  /** index of its lower word: the higher one could be of another time */
  readonly at: number;
  readonly kind: Lost["kind"];
  readonly reason: LostReason;
  /** its value at the last look */
  seen: number;
}

export class Losses {
  readonly #byReason = new Map<LostReason, number>();
  readonly #shared: Shared;
  /** programs by what they are counted for */
  readonly #programs: ReadonlyMap<Lost["kind"], readonly Program[]>;
  readonly #counters: readonly Counter[];
  readonly #missed = new Map<Program, number>();

  constructor(shared: Shared, kinds: readonly KindModule[], traced: readonly Traced[]) {
    this.#shared = shared;
    this.#programs = programsBy(traced);
    this.#counters = [unknown, ...kinds].flatMap(({ id, name }) =>
      reasons.map((reason, i) => {
        const at = (Shared.lost.offset + id * Shared.lost.size) / 4 + i * 2;
        return { at, kind: name, reason, seen: 0 };
      }),
    );
  }

  /** All that was found lost so far. */
  get total(): number {
    let sum = 0;
    for (const count of this.#byReason.values()) sum += count;
    return sum;
  }

  /** Why they were lost, for whoever sees no line of each: `2 probe_missed`. */
  get reasons(): string {
    return [...this.#byReason].map(([reason, count]) => `${count} ${reason}`).join(", ");
  }

  /** Reports what was lost since the last time, one Lost (its time left alone) per kind and reason. */
  poll(lost: Lost, report: () => void): void {
    const { words } = this.#shared;
    for (const counter of this.#counters) {
      const count = words[counter.at]!;
      if (count === counter.seen) continue;
      const more = (count - counter.seen) >>> 0;
      counter.seen = count;
      this.tell(lost, counter.kind, more, counter.reason, report);
    }
  }

  /** The same for skipped programs, which costs a system call each: once in a while and at the end. */
  pollMisses(lost: Lost, report: () => void): void {
    for (const [kind, programs] of this.#programs) {
      let missed = 0;
      for (const program of programs) {
        const misses = program.misses();
        missed += misses - (this.#missed.get(program) ?? 0);
        this.#missed.set(program, misses);
      }
      if (missed === 0) continue;
      this.#shared.misses = this.#shared.misses + 1;
      this.tell(lost, kind, missed, "probe_missed", report);
    }
  }

  /** Adds to what was lost, and reports it. */
  tell(lost: Lost, kind: Lost["kind"], count: number, reason: LostReason, report: () => void): void {
    this.#byReason.set(reason, (this.#byReason.get(reason) ?? 0) + count);
    lost.kind = kind;
    lost.count = count;
    lost.reason = reason;
    report();
  }
}

/**
 * Each program counts once: for its kind, or for none when several have it. Nobody can tell which one it was
 * skipped for.
 */
function programsBy(traced: readonly Traced[]): Map<Lost["kind"], Program[]> {
  const owners = new Map<Program, Lost["kind"]>();
  for (const { kind, programs } of traced) {
    for (const program of programs) owners.set(program, owners.has(program) ? unknown.name : kind.name);
  }
  return Map.groupBy(owners.keys(), (program) => owners.get(program)!);
}
