/** Whatever has to happen when nothing else does, by the time of events: so a recording has the same alarms. */
import type { Time } from "../event.ts";

export interface Sleeper {
  /** the time that was set has passed */
  wake(): void;
}

/** Seconds since the epoch, exact to a microsecond. */
export function secondsOf({ seconds, nanoseconds }: Time): number {
  return seconds + nanoseconds / 1e9;
}

export class Alarms {
  readonly #due = new Map<Sleeper, number>();
  #next = Number.POSITIVE_INFINITY;

  /** Whether any is set. */
  get isSet(): boolean {
    return this.#due.size > 0;
  }

  /** Sets one anew, in seconds since the epoch. */
  set(sleeper: Sleeper, due: number): void {
    this.#due.set(sleeper, due);
    if (due < this.#next) this.#next = due;
  }

  clear(sleeper: Sleeper): void {
    this.#due.delete(sleeper);
  }

  /** Wakes all whose time has passed, in the order of their times. */
  ring(now: number): void {
    if (now < this.#next) return;
    const passed = [...this.#due].filter(([, due]) => due <= now).sort(([, a], [, b]) => a - b);
    for (const [sleeper] of passed) this.#due.delete(sleeper);
    this.#next = Number.POSITIVE_INFINITY;
    for (const due of this.#due.values()) this.#next = Math.min(this.#next, due);
    for (const [sleeper] of passed) sleeper.wake();
  }
}
