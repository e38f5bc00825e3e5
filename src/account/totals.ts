import type { Event, Kind } from "../event.ts";

/** How many events there were, for the line at the end. */
export class Totals {
  events = 0;
  /** events one of whose ends was inferred */
  #guessed = 0;
  readonly #byKind: Map<Kind, { events: number }>;
  /** events come in rows of one kind */
  #kind: Kind | null = null;
  #counter = { events: 0 };
  #started = 0;

  /** @param sure --sure: guesses are left out, and only counted */
  constructor(
    kinds: readonly Kind[],
    private readonly sure = false,
  ) {
    this.#byKind = new Map(kinds.map((kind) => [kind, { events: 0 }]));
  }

  start(): void {
    this.#started = performance.now();
  }

  /** Whether an event that passed the filter is to be shown; to be asked once for each. */
  takes({ src, dst }: Event, events = 1): boolean {
    if (!src.guess && !dst.guess) return true;
    this.#guessed += events;
    return !this.sure;
  }

  /** Counts one event; the number of all so far. */
  count(kind: Kind, events = 1): number {
    if (kind !== this.#kind) {
      this.#kind = kind;
      this.#counter = this.#byKind.get(kind) ?? { events: 0 };
      this.#byKind.set(kind, this.#counter);
    }
    this.#counter.events += events;
    this.events += events;
    return this.events;
  }

  /** `1234 events in 12.3 s (pipe 1200, signal 34), 12 guessed, 0 lost` */
  line(lost: number, elapsed = (performance.now() - this.#started) / 1000): string {
    const seconds = elapsed.toFixed(1);
    const kinds = [...this.#byKind].map(([kind, { events }]) => `${kind} ${events}`).join(", ");
    return `${this.events} events in ${seconds} s (${kinds}), ${this.#guesses()}${lost} lost`;
  }

  #guesses(): string {
    if (this.sure) return `${this.#guessed} guessed and left out, `;
    return this.#guessed > 0 ? `${this.#guessed} guessed, ` : "";
  }
}
