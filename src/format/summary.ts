/** Who talked to whom: one row per pair, kind and place, instead of a line per event. */
import type { End, Event, Key, Kind, Lost, Meta, Time } from "../event.ts";
import { field } from "./csv.ts";
import { escapeJson, escapeText, printable } from "./escape.ts";
import { type Format, words } from "./format.ts";
import type { FormatName } from "./index.ts";
import { Output } from "./output.ts";
import { Clock } from "./time.ts";

/** Pairs beyond this many are added up in one row a kind: a table is for people, and memory ends. */
const mostRows = 100_000;
const half = 0x1_0000_0000;
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

/** Gathers from meta where it happened: a path, a terminal, an address and port, a signal's name. */
class Where implements Meta {
  readonly out = new Output(256);
  readonly #source = new Output(64);
  readonly #destination = new Output(64);
  #sourcePort = -1;
  #destinationPort = -1;

  read(event: Event): void {
    this.out.clear();
    this.#sourcePort = -1;
    this.#destinationPort = -1;
    event.meta(this);
    if (this.#sourcePort < 0 || this.#destinationPort < 0) return;
    // the lower port is the service, whichever way the bytes went
    const toSource = this.#sourcePort < this.#destinationPort;
    const address = toSource ? this.#source : this.#destination;
    const isSix = address.bytes.subarray(0, address.length).includes(0x3a);
    if (isSix) this.out.byte(0x5b);
    this.out.copy(address.bytes, 0, address.length);
    if (isSix) this.out.byte(0x5d);
    this.out.byte(0x3a);
    this.out.unsigned(toSource ? this.#sourcePort : this.#destinationPort);
  }

  text({ name }: Key, value: Uint8Array): void {
    if (name === "src_addr") replace(this.#source, value);
    else if (name === "dst_addr") replace(this.#destination, value);
    else if (name === "pipe_name" || name === "path" || name === "tty_name" || name === "name") {
      replace(this.out, value);
    }
  }

  integer({ name }: Key, low: number): void {
    if (name === "src_port") this.#sourcePort = low;
    else if (name === "dst_port") this.#destinationPort = low;
  }

  flag(): void {}
}

const nobody: End = { pid: -1, comm: null, guess: false };

export class Summary implements Format {
  readonly #format: FormatName;
  readonly #clock = new Clock();
  readonly #where = new Where();
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
    const row = this.#find(event.kind, event.src, event.dst, this.#where.out);
    row.events++;
    row.bytes += event.countHigh * half + event.countLow;
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

function replace(out: Output, value: Uint8Array): void {
  out.clear();
  out.copy(value, 0, value.length);
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

function same(a: Uint8Array, b: Uint8Array, length: number): boolean {
  if (a.length !== length) return false;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function sameName(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return same(a, b, b.length);
}
