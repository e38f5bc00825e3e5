/** A recording → filter → format → sink: what was traced once, shown as if it were traced now. Needs no rights. */
import { close, openSync, read } from "node:fs";
import { isatty } from "node:tty";
import { Totals } from "../account/totals.ts";
import { printable } from "../bytes/escape.ts";
import type { Options } from "../command/arguments.ts";
import { isColored } from "../command/color.ts";
import type { Event, Lost, Time } from "../event.ts";
import { Failure } from "../failure.ts";
import { Filter } from "../filter/filter.ts";
import type { Format } from "../format/format.ts";
import { formats } from "../format/index.ts";
import type { Table } from "../format/table.ts";
import { tableOf } from "../format/tables.ts";
import { kinds } from "../kinds/index.ts";
import { log } from "../log.ts";
import { decodersOf } from "../message/decoders/index.ts";
import { Decoding } from "../message/decoding.ts";
import { BlockReader, Damage } from "../pcapng/read.ts";
import { Recording } from "../pcapng/recording.ts";
import { Sink } from "../sink.ts";
import { Printer } from "./printer.ts";

const stdin = 0;
/** what is read at once; what is printed of it is written before more is read */
const chunkLength = 256 * 1024;
/** for a reader to catch up, in milliseconds */
const longestWait = 50;
const requests = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Shows the recording that -r names. @throws Failure when it is damaged, after what could be read was shown */
export async function replay(options: Options, path: string): Promise<number> {
  const name = path === "-" ? "stdin" : printable(path);
  using file = open(path, name);
  using sink = Sink.open(options.output);
  using stop = new Requests();
  const shown = new Shown(options, sink);
  const recording = new Recording(new Set(kinds.map((kind) => kind.name)), shown);
  const blocks = new BlockReader();
  sink.start();
  shown.begin();
  let damage: Damage | null = null;
  const chunk = new Uint8Array(chunkLength);
  try {
    for (;;) {
      const length = await Promise.race([file.read(chunk), stop.came]);
      if (length > 0) blocks.add(chunk.subarray(0, length));
      for (let block = blocks.next(); block !== null && !shown.isFull; block = blocks.next())
        recording.add(block);
      if (length > 0 && !shown.isFull && (await flush(sink, stop))) continue;
      if (length === 0) blocks.finish();
      break;
    }
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    damage = error;
  }
  if (!shown.isFull) recording.finish();
  shown.end();
  await flush(sink, stop);
  log.info(shown.totals());
  if (damage !== null)
    throw new Failure(
      `${name}: at byte ${damage.offset}: ${damage.message}${recording.events > 0 ? "\nWhat was before is shown." : ""}`,
    );
  if (recording.foreign > 0) {
    throw new Failure(
      `${name}: ${recording.foreign} packets are not ipcdump's, the first at byte ${recording.firstForeign}\n` +
        `${recording.events > 0 ? "The others are shown." : "-r reads what ipcdump -f pcapng wrote."}`,
    );
  }
  return 0;
}

/** Writes all there is; false when nobody reads any more. @throws Failure */
async function flush(sink: Sink, stop: Requests): Promise<boolean> {
  for (;;) {
    const flushed = sink.flush(longestWait);
    if (flushed !== "blocked") return flushed === "done";
    if (stop.isRequested) return false;
    await Bun.sleep(0);
  }
}

/** The stages that events of a recording go through. */
class Shown {
  isFull = false;
  readonly #filter: Filter;
  readonly #format: Format;
  readonly #printer: Printer;
  readonly #decoding: Decoding | null;
  readonly #summary: Table | null;
  readonly #totals: Totals;
  readonly #kinds: ReadonlySet<string>;
  #lost = 0;
  #first: Time | null = null;
  #last: Time = { seconds: 0, nanoseconds: 0 };

  constructor(
    private readonly options: Options,
    private readonly sink: Sink,
  ) {
    this.#filter = new Filter(options.wanted, null, null);
    this.#kinds = new Set(options.kinds);
    this.#totals = new Totals(options.kinds);
    this.#summary = options.summary ? tableOf(options) : null;
    const colored = isColored(options.color, options.output === null && isatty(1), process.env);
    this.#format = this.#summary ?? formats[options.format](colored, options.decode !== null);
    this.#printer = new Printer(this.#format, sink, options.count);
    const { decode } = options;
    this.#decoding =
      decode === null ? null : new Decoding(decodersOf(decode.protocols), decode, this.#printer);
  }

  begin(): void {
    this.#format.header(this.sink.output);
  }

  event(event: Event): void {
    const { bytes, maxBytes, count } = this.options;
    if (this.isFull || !this.#kinds.has(event.kind)) return;
    this.#pass(event.time);
    if (!this.#filter.passes(event)) return;
    const { contents } = event;
    if (!bytes) event.contents = null;
    else if (contents !== null && maxBytes > 0) contents.length = Math.min(contents.length, maxBytes);
    if (this.#decoding === null) this.#printer.event(event);
    else this.#decoding.event(event);
    this.#totals.count(event.kind);
    this.isFull = this.#printer.printed === count && count > 0;
  }

  lost(lost: Lost): void {
    if (this.isFull || (lost.kind !== "unknown" && !this.#kinds.has(lost.kind))) return;
    this.#pass(lost.time);
    this.#lost += lost.count;
    this.#decoding?.lost(lost);
    if (this.options.lost || this.#summary !== null) this.#format.lost(lost, this.sink.output);
  }

  end(): void {
    this.#decoding?.end(this.#last);
    if (this.#summary !== null) this.#summary.table(this.#last, this.sink.output);
    this.#format.end?.(this.#last, this.sink.output);
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

/** Signals that ask for the end: what was read until then is shown. */
class Requests implements Disposable {
  isRequested = false;
  /** settles with -1 then */
  readonly came: Promise<number>;
  #settle: (length: number) => void = () => {};

  constructor() {
    this.came = new Promise((resolve) => {
      this.#settle = resolve;
    });
    for (const name of requests) process.on(name, this.#request);
  }

  readonly #request = (): void => {
    this.isRequested = true;
    this.#settle(-1);
  };

  [Symbol.dispose](): void {
    for (const name of requests) process.off(name, this.#request);
  }
}

/** A file that is read piece by piece, off the event loop: a pipe may keep its reader waiting. */
interface Source extends Disposable {
  read(into: Uint8Array): Promise<number>;
}

function open(path: string, name: string): Source {
  let fd = stdin;
  try {
    if (path !== "-") fd = openSync(path, "r");
  } catch (error) {
    throw new Failure(`cannot read ${name}: ${(error as NodeJS.ErrnoException).code ?? "unknown error"}`);
  }
  return {
    read: (into) =>
      new Promise((resolve, reject) => {
        read(fd, into, 0, into.length, null, (error, length) => {
          if (error === null) resolve(length);
          else reject(new Failure(`cannot read ${name}: ${error.code ?? error.message}`));
        });
      }),
    [Symbol.dispose]: () => {
      if (fd !== stdin) close(fd);
    },
  };
}
