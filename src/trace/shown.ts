import { Totals } from "../account/totals.ts";
import type { Options } from "../command/arguments.ts";
import type { Event, Lost, Time } from "../event.ts";
import { Filter } from "../filter/filter.ts";
import type { Format } from "../format/format.ts";
import type { Table } from "../format/table.ts";
import type { RecordingListener } from "../pcapng/recording.ts";
import type { Sink } from "../sink.ts";
import type { Ending } from "./ending.ts";
import { formatOf, stageOf, tableOf } from "./outlet.ts";
import { Printer } from "./printer.ts";
import type { Stage } from "./stage.ts";

/** The stages that events of a recording go through: those of tracing, from the filter on. */
export class Shown implements RecordingListener {
  readonly #filter: Filter;
  readonly #format: Format;
  readonly #printer: Printer;
  readonly #stage: Stage | null;
  readonly #summary: Table | null;
  readonly #totals: Totals;
  readonly #kinds: ReadonlySet<string>;
  #lost = 0;
  #first: Time | null = null;
  #last: Time = { seconds: 0, nanoseconds: 0 };

  constructor(
    private readonly options: Options,
    private readonly sink: Sink,
    private readonly ending: Ending,
  ) {
    this.#filter = new Filter(options.wanted, null, null);
    this.#kinds = new Set(options.kinds);
    this.#totals = new Totals(options.kinds, options.sure);
    this.#summary = tableOf(options);
    this.#format = this.#summary ?? formatOf(options);
    this.#printer = new Printer(this.#format, sink, options);
    this.#stage = stageOf(options, this.#printer, this.#format, sink);
  }

  begin(): void {
    this.#format.header(this.sink.output);
  }

  event(event: Event): void {
    const { bytes, maxBytes } = this.options;
    if (this.ending.isOver || !this.#kinds.has(event.kind)) return;
    this.#pass(event.time);
    if (!this.#filter.passes(event) || !this.#totals.takes(event)) return;
    const { contents } = event;
    if (!bytes) event.contents = null;
    else if (contents !== null && maxBytes > 0) contents.length = Math.min(contents.length, maxBytes);
    if (this.#stage === null) this.#printer.event(event);
    else this.#stage.event(event);
    this.#totals.count(event.kind);
    this.ending.counted(this.#printer.printed);
  }

  lost(lost: Lost): void {
    if (this.ending.isOver || (lost.kind !== "unknown" && !this.#kinds.has(lost.kind))) return;
    this.#pass(lost.time);
    this.#lost += lost.count;
    this.#stage?.lost(lost);
    if (this.options.lost || this.#summary !== null) this.#format.lost(lost, this.sink.output);
  }

  /** What has to be printed when it is over. */
  end(): void {
    this.#stage?.end(this.#last);
    this.tabulate();
    this.#format.end?.(this.#last, this.sink.output);
  }

  tabulate(): void {
    this.#summary?.table(this.#last, this.sink.output);
  }

  totals(): string {
    const first = this.#first ?? this.#last;
    const seconds = this.#last.seconds - first.seconds + (this.#last.nanoseconds - first.nanoseconds) / 1e9;
    return this.#totals.line(this.#lost, Math.max(0, seconds));
  }

  #pass({ seconds, nanoseconds }: Time): void {
    this.#last = { seconds, nanoseconds };
    this.#first ??= this.#last;
  }
}
