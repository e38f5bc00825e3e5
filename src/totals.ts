import type { Kind } from "./event.ts";

/** How many events there were, for the line at the end. */
export class Totals {
  events = 0;
  readonly #byKind: Map<Kind, number>;
  #started = 0;

  constructor(kinds: readonly Kind[]) {
    this.#byKind = new Map(kinds.map((kind) => [kind, 0]));
  }

  start(): void {
    this.#started = performance.now();
  }

  /** Counts one event; the number of all so far. */
  count(kind: Kind): number {
    this.#byKind.set(kind, (this.#byKind.get(kind) ?? 0) + 1);
    return ++this.events;
  }

  /** `1234 events in 12.3 s (pipe 1200, signal 34), 0 lost` */
  line(lost: number): string {
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1);
    const kinds = [...this.#byKind].map(([kind, count]) => `${kind} ${count}`).join(", ");
    return `${this.events} events in ${seconds} s (${kinds}), ${lost} lost`;
  }
}
