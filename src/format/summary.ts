/** A table of pairs that talked: one row per pair, kind and place, instead of a line per event. */

import { whole } from "../../ffi/halves.ts";
import { escapeJson, escapeText, printable } from "../bytes/escape.ts";
import { Output } from "../bytes/output.ts";
import { same } from "../bytes/same.ts";
import type { End, Event, Kind, Lost, Time } from "../event.ts";
import { field } from "./csv.ts";
import { type Format, words } from "./format.ts";
import type { FormatName } from "./index.ts";
import { LocalTime } from "./time.ts";
import { Where } from "./where.ts";

/** Pairs beyond this many are added up in one row a kind: a table is for people, and memory ends. */
const mostRows = 100_000;
/** rows found last, which spare most events the search; a power of two */
const slots = 256;
const unknownName = "<unknown>";
const columns = ["TYPE", "SRC", "DST", "WHERE", "EVENTS", "BYTES", "LOST"];
/** the first of the columns that hold numbers */
const firstNumber = 4;
const fields = [
  ...["time", "type", "src_pid", "src_comm", "dst_pid", "dst_comm"],
  ...["where", "events", "bytes", "lost"],
];

interface Row {
  kind: Kind | "unknown";
  srcPid: number;
  srcComm: Uint8Array | null;
  dstPid: number;
  dstComm: Uint8Array | null;
  where: Uint8Array;
  events: number;
  bytes: number;
  lost: number;
}

/** The row of an event, and all by which another one is of the same. */
interface Recent {
  kind: Kind;
  srcPid: number;
  srcComm: Uint8Array | null;
  dstPid: number;
  dstComm: Uint8Array | null;
  place: Uint8Array | null;
  source: Uint8Array | null;
  destination: Uint8Array | null;
  sourcePort: number;
  destinationPort: number;
  row: Row;
}

const nobody: End = { pid: -1, comm: null, guess: false };

export class Summary implements Format {
  readonly #format: FormatName;
  readonly #clock = new LocalTime();
  readonly #where = new Where();
  readonly #recent: (Recent | undefined)[] = new Array<Recent | undefined>(slots).fill(undefined);
  readonly #others = new Output(16);
  readonly #nowhere = new Output(0);
  /** by a hash of what tells rows apart */
  readonly #rows = new Map<number, Row[]>();
  #count = 0;

  constructor(format: FormatName) {
    this.#format = format;
    this.#others.string("<others>");
  }

  /** The table has its own, when it is made. */
  header(): void {}

  event(event: Event): void {
    this.#where.read(event);
    const slot = (event.src.pid * 31 + event.dst.pid) & (slots - 1);
    const recent = this.#recent[slot];
    const row = recent !== undefined && this.#isSame(recent, event) ? recent.row : this.#search(event, slot);
    row.events++;
    row.bytes += whole(event.countLow, event.countHigh);
  }

  /** Nobody knows whose it was. */
  lost(lost: Lost): void {
    this.#find(lost.kind, nobody, nobody, this.#nowhere).lost += lost.count;
  }

  /** Writes all rows so far, most bytes first. */
  table(time: Time, out: Output): void {
    const rows = [...this.#rows.values()].flat();
    rows.sort((a, b) => b.bytes - a.bytes || b.events - a.events || b.lost - a.lost);
    if (this.#format === "text") writeTable(rows, out);
    else if (this.#format === "json") for (const row of rows) this.#writeJson(row, time, out);
    else this.#writeCsv(rows, time, out);
  }

  #isSame(recent: Recent, { kind, src, dst }: Event): boolean {
    const where = this.#where;
    return (
      recent.kind === kind &&
      recent.srcPid === src.pid &&
      recent.srcComm === src.comm &&
      recent.dstPid === dst.pid &&
      recent.dstComm === dst.comm &&
      recent.place === where.name &&
      recent.source === where.source &&
      recent.destination === where.destination &&
      recent.sourcePort === where.sourcePort &&
      recent.destinationPort === where.destinationPort
    );
  }

  #search({ kind, src, dst }: Event, slot: number): Row {
    const where = this.#where;
    where.spell();
    const row = this.#find(kind, src, dst, where.out);
    const { name: place, source, destination, sourcePort, destinationPort } = where;
    const ends = { srcPid: src.pid, srcComm: src.comm, dstPid: dst.pid, dstComm: dst.comm };
    this.#recent[slot] = { kind, ...ends, place, source, destination, sourcePort, destinationPort, row };
    return row;
  }

  #find(kind: Row["kind"], src: End, dst: End, where: Output): Row {
    let hash = mix(mix(kind.length, src.pid), dst.pid);
    hash = mixBytes(hash, where.bytes, where.length);
    if (src.comm !== null) hash = mixBytes(hash, src.comm, src.comm.length);
    if (dst.comm !== null) hash = mixBytes(hash, dst.comm, dst.comm.length);
    const chain = this.#rows.get(hash);
    if (chain !== undefined) {
      for (let i = 0; i < chain.length; i++) {
        const row = chain[i]!;
        if (
          row.kind === kind &&
          row.srcPid === src.pid &&
          row.dstPid === dst.pid &&
          same(row.where, where.bytes, where.length) &&
          sameName(row.srcComm, src.comm) &&
          sameName(row.dstComm, dst.comm)
        ) {
          return row;
        }
      }
    }
    if (this.#count >= mostRows && where !== this.#others && where !== this.#nowhere) {
      return this.#find(kind, nobody, nobody, this.#others);
    }
    const row: Row = {
      kind,
      srcPid: src.pid,
      srcComm: src.comm?.slice() ?? null,
      dstPid: dst.pid,
      dstComm: dst.comm?.slice() ?? null,
      where: where.bytes.slice(0, where.length),
      events: 0,
      bytes: 0,
      lost: 0,
    };
    if (chain === undefined) this.#rows.set(hash, [row]);
    else chain.push(row);
    this.#count++;
    return row;
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
    out.string(`,"events":${row.events},"bytes":${row.bytes},"lost":${row.lost}}\n`);
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
      out.string(`,${row.events},${row.bytes},${row.lost}\n`);
    }
  }
}

function writeTable(rows: readonly Row[], out: Output): void {
  const cells = [columns];
  for (const row of rows) {
    cells.push([
      row.kind,
      `${row.srcPid}(${row.srcComm === null ? unknownName : printable(row.srcComm)})`,
      `${row.dstPid}(${row.dstComm === null ? unknownName : printable(row.dstComm)})`,
      row.where.length === 0 ? "-" : printable(row.where),
      `${row.events}`,
      `${row.bytes}`,
      `${row.lost}`,
    ]);
  }
  const widths = columns.map((_, i) => cells.reduce((most, line) => Math.max(most, line[i]!.length), 0));
  for (const line of cells) {
    const padded = line.map((cell, i) =>
      i < firstNumber ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
    );
    out.string(`${padded.join("  ")}\n`);
  }
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

function mixBytes(hash: number, bytes: Uint8Array, length: number): number {
  let mixed = mix(hash, length);
  for (let i = 0; i < length; i++) mixed = mix(mixed, bytes[i]!);
  return mixed;
}

function sameName(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return same(a, b);
}
