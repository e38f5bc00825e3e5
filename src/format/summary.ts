/** A table of pairs that talked, instead of a line per event. */
import { escapeJson, escapeText, printable, processText } from "../bytes/escape.ts";
import { Output } from "../bytes/output.ts";
import type { Event, Lost, Time } from "../event.ts";
import { field } from "./csv.ts";
import { words } from "./format.ts";
import type { FormatName } from "./index.ts";
import { type Row, Rows } from "./rows.ts";
import { type Table, writeColumns } from "./table.ts";
import { LocalTime } from "./time.ts";

const unknownName = "<unknown>";
const columns = ["TYPE", "SRC", "DST", "WHERE", "EVENTS", "BYTES", "GUESSED", "LOST"];
/** the first of the columns that hold numbers */
const firstNumber = 4;
const fields = [
  ...["time", "type", "src_pid", "src_comm", "dst_pid", "dst_comm"],
  ...["where", "events", "bytes", "guessed", "lost"],
];

export class Summary implements Table {
  readonly #format: FormatName;
  readonly #clock = new LocalTime();
  readonly #rows: Rows;

  /** @param tells whether processes are told apart by who they are, too */
  constructor(format: FormatName, tells = false) {
    this.#format = format;
    this.#rows = new Rows(tells);
  }

  /** The table has its own, when it is made. */
  header(): void {}

  event(event: Event): void {
    this.#rows.add(event);
  }

  events(event: Event, events: number, bytes: number): void {
    this.#rows.addAll(event, events, bytes);
  }

  lost(lost: Lost): void {
    this.#rows.lose(lost);
  }

  /** Writes all rows so far, most bytes first. */
  table(time: Time, out: Output): void {
    const rows = [...this.#rows];
    rows.sort((a, b) => b.bytes - a.bytes || b.events - a.events || b.lost - a.lost);
    if (this.#format === "text") writeTable(rows, out);
    else if (this.#format === "json") for (const row of rows) this.#writeJson(row, time, out);
    else this.#writeCsv(rows, time, out);
  }

  #writeJson(row: Row, time: Time, out: Output): void {
    const name = (key: string, comm: Uint8Array | null) => {
      out.string(`,"${key}":"`);
      if (comm === null) out.string(unknownName);
      else escapeJson(comm, 0, comm.length, out);
      out.string('"');
    };
    out.string('{"summary":true,"time":"');
    this.#clock.timestamp(time, out);
    out.string(`","type":"${row.kind}","src_pid":${row.srcPid}`);
    name("src_comm", row.srcComm);
    out.string(`,"dst_pid":${row.dstPid}`);
    name("dst_comm", row.dstComm);
    name("where", row.where);
    out.string(
      `,"events":${row.events},"bytes":${row.bytes},"guessed":${guessed(row)},"lost":${row.lost}}\n`,
    );
  }

  #writeCsv(rows: readonly Row[], time: Time, out: Output): void {
    const scratch = new Output(256);
    const name = (comm: Uint8Array | null) => {
      scratch.clear();
      if (comm === null) scratch.string(unknownName);
      else escapeText(comm, 0, comm.length, scratch);
      field(scratch, out);
    };
    out.string(`${fields.join(",")}\n`);
    for (const row of rows) {
      this.#clock.timestamp(time, out);
      out.string(",");
      out.literal(words[row.kind]);
      out.string(`,${row.srcPid},`);
      name(row.srcComm);
      out.string(`,${row.dstPid},`);
      name(row.dstComm);
      out.string(",");
      name(row.where);
      out.string(`,${row.events},${row.bytes},${guessed(row)},${row.lost}\n`);
    }
  }
}

/** How many of its events name an end by a guess. */
function guessed({ isGuess, events }: Row): number {
  return isGuess ? events : 0;
}

function writeTable(rows: readonly Row[], out: Output): void {
  const cells = [columns];
  for (const row of rows) {
    cells.push([
      row.kind,
      processText(row.srcPid, row.srcComm),
      processText(row.dstPid, row.dstComm),
      row.where.length === 0 ? "-" : printable(row.where),
      `${row.events}`,
      `${row.bytes}`,
      `${guessed(row)}`,
      `${row.lost}`,
    ]);
  }
  writeColumns(cells, firstNumber, out);
}
