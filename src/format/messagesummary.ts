/** A table of what was asked: one row for each name, with how long the answers took. */
import { escapeJson, escapeText, printable } from "../bytes/escape.ts";
import { latin1 } from "../bytes/latin1.ts";
import { Output } from "../bytes/output.ts";
import type { Lost, Time } from "../event.ts";
import type { Message } from "../message/message.ts";
import { field } from "./csv.ts";
import type { FormatName } from "./index.ts";
import { span } from "./messagetext.ts";
import { Quantiles } from "./quantiles.ts";
import { type Table, writeColumns } from "./table.ts";
import { LocalTime } from "./time.ts";

/** Names beyond this many are added up in one row: a table is for people, and memory ends. */
const mostRows = 10_000;
const columns = ["PROTOCOL", "NAME", "COUNT", "ERRORS", "UNANSWERED", "P50", "P95", "P99"];
/** the first of the columns that hold numbers */
const firstNumber = 2;
const fields = ["time", "protocol", "name", "count", "errors", "unanswered", "p50_ns", "p95_ns", "p99_ns"];
const unknown = new TextEncoder().encode("<unknown>");
const undecoded = new TextEncoder().encode("<undecoded>");
const others = new TextEncoder().encode("<others>");

/** Everything of one name. */
class NameRow {
  told = 0;
  answered = 0;
  errors = 0;
  unanswered = 0;
  readonly latencies = new Quantiles();

  constructor(
    readonly protocol: string,
    readonly name: Uint8Array,
  ) {}

  /** of requests or what else has that name; of their answers where only those are shown */
  get count(): number {
    return Math.max(this.told, this.answered);
  }

  get quantiles(): number[] {
    return [0.5, 0.95, 0.99].map((part) => this.latencies.at(part));
  }
}

export class MessageSummary implements Table {
  readonly #clock = new LocalTime();
  readonly #rows = new Map<string, NameRow>();

  constructor(private readonly format: FormatName) {}

  /** The table has its own, when it is made. */
  header(): void {}

  /** What is no message has no row. */
  event(): void {}

  lost(_lost: Lost): void {}

  message(message: Message): void {
    const { said, latency } = message;
    const { kind } = said;
    if (said.isRepeated) return;
    const row = this.#row(message.protocol, kind === "undecoded" ? undecoded : (message.name ?? unknown));
    if (kind === "unanswered") row.unanswered++;
    else if (kind === "response" || kind === "error") row.answered++;
    else row.told++;
    if (kind === "error" || said.isError) row.errors++;
    if (latency >= 0 && kind !== "unanswered") row.latencies.add(latency);
  }

  /** Writes all rows so far, the most frequent first. */
  table(time: Time, out: Output): void {
    const rows = [...this.#rows.values()].sort((a, b) => b.count - a.count);
    if (this.format === "json") for (const row of rows) this.#writeJson(row, time, out);
    else if (this.format === "csv") this.#writeCsv(rows, time, out);
    else writeColumns([columns, ...rows.map(cells)], firstNumber, out);
  }

  #row(protocol: string, name: Uint8Array): NameRow {
    const key = `${protocol} ${latin1(name)}`;
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    if (this.#rows.size >= mostRows && name !== others) return this.#row(protocol, others);
    const row = new NameRow(protocol, name);
    this.#rows.set(key, row);
    return row;
  }

  #writeJson(row: NameRow, time: Time, out: Output): void {
    out.string('{"summary":true,"time":"');
    this.#clock.timestamp(time, out);
    out.string(`","protocol":"${row.protocol}","name":"`);
    escapeJson(row.name, 0, row.name.length, out);
    out.string(`","count":${row.count},"errors":${row.errors},"unanswered":${row.unanswered}`);
    const [p50, p95, p99] = row.quantiles;
    out.string(p50 === -1 ? "}\n" : `,"p50_ns":${p50},"p95_ns":${p95},"p99_ns":${p99}}\n`);
  }

  #writeCsv(rows: readonly NameRow[], time: Time, out: Output): void {
    const scratch = new Output(256);
    out.string(`${fields.join(",")}\n`);
    for (const row of rows) {
      this.#clock.timestamp(time, out);
      out.string(`,${row.protocol},`);
      scratch.clear();
      escapeText(row.name, 0, row.name.length, scratch);
      field(scratch, out);
      const quantiles = row.quantiles.map((value) => (value < 0 ? "" : `${value}`));
      out.string(`,${row.count},${row.errors},${row.unanswered},${quantiles.join(",")}\n`);
    }
  }
}

function cells(row: NameRow): string[] {
  const { protocol, name, count, errors, unanswered, quantiles } = row;
  const times = quantiles.map((value) => (value < 0 ? "-" : span(value)));
  return [protocol, printable(name), `${count}`, `${errors}`, `${unanswered}`, ...times];
}
