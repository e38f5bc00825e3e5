/** Pairs that talked, added up: one row per pair, kind and place, facts and guesses apart. */
import { whole } from "../../ffi/halves.ts";
import { Output } from "../bytes/output.ts";
import { same } from "../bytes/same.ts";
import { type End, type Event, type Kind, type Lost, nobody, titleOf } from "../event.ts";
import { Quantiles } from "./quantiles.ts";
import { Where } from "./where.ts";

/** Pairs beyond this many are added up in one row a kind: a table is for people, and memory ends. */
const mostRows = 100_000;
/** rows found last, which spare most events the search; a power of two */
const slots = 256;

export interface Row {
  kind: Kind | "unknown";
  srcPid: number;
  srcComm: Uint8Array | null;
  dstPid: number;
  dstComm: Uint8Array | null;
  where: Uint8Array;
  /** whether an end of its events is a guess; those of an unmarked row were all observed */
  isGuess: boolean;
  events: number;
  bytes: number;
  lost: number;
  /** of answers, from their requests on; null while none was seen */
  latencies: Quantiles | null;
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
  isGuess: boolean;
  row: Row;
}

const noOne = nobody();

export class Rows {
  readonly #where = new Where();
  readonly #nameOf: (end: End) => Uint8Array | null;
  readonly #recent: (Recent | undefined)[] = new Array<Recent | undefined>(slots).fill(undefined);
  readonly #others = new Output(16);
  readonly #nowhere = new Output(0);
  /** by a hash of what tells rows apart */
  readonly #rows = new Map<number, Row[]>();
  #count = 0;

  /** @param tells whether processes are told apart by who they are, too */
  constructor(tells = false) {
    this.#nameOf = tells ? titleOf : ({ comm }) => comm;
    this.#others.string("<others>");
  }

  /** All of them, in no order. */
  *[Symbol.iterator](): Generator<Row> {
    for (const chain of this.#rows.values()) yield* chain;
  }

  /** Takes away the rows that are not to be kept. */
  prune(isKept: (row: Row) => boolean): void {
    this.#recent.fill(undefined);
    this.#count = 0;
    for (const [hash, chain] of this.#rows) {
      const left = chain.filter(isKept);
      this.#count += left.length;
      if (left.length === 0) this.#rows.delete(hash);
      else if (left.length < chain.length) this.#rows.set(hash, left);
    }
  }

  /** The row of an event. */
  of(event: Event): Row {
    this.#where.read(event);
    const slot = (event.src.pid * 31 + event.dst.pid) & (slots - 1);
    const recent = this.#recent[slot];
    return recent !== undefined && this.#isSame(recent, event) ? recent.row : this.#search(event, slot);
  }

  /** Adds an event to its row. */
  add(event: Event): Row {
    const row = this.of(event);
    row.events++;
    row.bytes += whole(event.countLow, event.countHigh);
    return row;
  }

  /** Adds events that are like this one. */
  addAll(event: Event, events: number, bytes: number): Row {
    const row = this.of(event);
    row.events += events;
    row.bytes += bytes;
    return row;
  }

  /** Adds how long an answer took to the row of the event that made it whole. */
  answer(event: Event, nanoseconds: number): Row {
    const row = this.of(event);
    row.latencies ??= new Quantiles();
    row.latencies.add(nanoseconds);
    return row;
  }

  /** Nobody knows whose it was. */
  lose({ kind, count }: Lost): void {
    this.#find(kind, noOne, noOne, this.#nowhere).lost += count;
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
      recent.destinationPort === where.destinationPort &&
      recent.isGuess === (src.guess || dst.guess)
    );
  }

  #search({ kind, src, dst }: Event, slot: number): Row {
    const where = this.#where;
    where.spell();
    const row = this.#find(kind, src, dst, where.out);
    const { name: place, source, destination, sourcePort, destinationPort } = where;
    const ends = { srcPid: src.pid, srcComm: src.comm, dstPid: dst.pid, dstComm: dst.comm };
    const { isGuess } = row;
    this.#recent[slot] = {
      kind,
      ...ends,
      place,
      source,
      destination,
      sourcePort,
      destinationPort,
      isGuess,
      row,
    };
    return row;
  }

  #find(kind: Row["kind"], src: End, dst: End, where: Output): Row {
    const isGuess = src.guess || dst.guess;
    let hash = mix(mix(kind.length, src.pid), dst.pid);
    hash = mixBytes(hash, where.bytes, where.length);
    const [srcComm, dstComm] = [this.#nameOf(src), this.#nameOf(dst)];
    if (srcComm !== null) hash = mixBytes(hash, srcComm, srcComm.length);
    if (dstComm !== null) hash = mixBytes(hash, dstComm, dstComm.length);
    const chain = this.#rows.get(hash);
    if (chain !== undefined) {
      for (let i = 0; i < chain.length; i++) {
        const row = chain[i]!;
        if (
          row.kind === kind &&
          row.isGuess === isGuess &&
          row.srcPid === src.pid &&
          row.dstPid === dst.pid &&
          same(row.where, where.bytes, where.length) &&
          sameName(row.srcComm, srcComm) &&
          sameName(row.dstComm, dstComm)
        ) {
          return row;
        }
      }
    }
    if (this.#count >= mostRows && where !== this.#others && where !== this.#nowhere) {
      return this.#find(kind, noOne, noOne, this.#others);
    }
    const row: Row = {
      kind,
      srcPid: src.pid,
      srcComm: srcComm?.slice() ?? null,
      dstPid: dst.pid,
      dstComm: dstComm?.slice() ?? null,
      where: where.bytes.slice(0, where.length),
      isGuess,
      events: 0,
      bytes: 0,
      lost: 0,
      latencies: null,
    };
    if (chain === undefined) this.#rows.set(hash, [row]);
    else chain.push(row);
    this.#count++;
    return row;
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
