/** What `ipcdump top` shows: conversations or processes with their rates since the frame before. */

import { printable, processText } from "../bytes/escape.ts";
import { Quantiles } from "../format/quantiles.ts";
import type { Row, Rows } from "../format/rows.ts";

export const views = ["conversations", "processes"] as const;
export type View = (typeof views)[number];
export const orders = ["rate", "bytes", "events", "total", "latency"] as const;
export type Order = (typeof orders)[number];

/** A line of the board. */
export interface BoardLine {
  /** the rows it is made of, the busiest first */
  rows: readonly Row[];
  kind: string;
  source: string;
  destination: string;
  where: string;
  /** a second, since the frame before */
  eventRate: number;
  byteRate: number;
  /** since the start */
  events: number;
  bytes: number;
  guessed: number;
  lost: number;
  /** of answers since the start, in nanoseconds; null without any */
  latencies: Quantiles | null;
}

/** A conversation, and its counters as they were at the frame before. */
interface Seen {
  line: BoardLine;
  events: number;
  bytes: number;
  /** when it was last heard of, in milliseconds */
  seen: number;
}

/** Conversations beyond this many are forgotten when they are silent. */
const most = 10_000;
/** in milliseconds: for so long they are kept all the same */
const memory = 60_000;

export class Board {
  view: View = "conversations";
  order: Order = "rate";
  /** what the names, places or kinds of the lines have to have in them */
  filter = "";
  readonly #known = new Map<Row, Seen>();
  #time = performance.now();

  /** The lines of a new frame, in their order. What was silent for long is forgotten when there is too much. */
  frame(rows: Rows): BoardLine[] {
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.#time) / 1000);
    this.#time = now;
    for (const row of rows) this.#update(row, seconds, now);
    if (this.#known.size > most) this.#forget(rows, now);
    const conversations = [...this.#known.values()].map(({ line }) => line);
    const lines = this.view === "conversations" ? conversations : byProcess(conversations);
    const word = this.filter.toLowerCase();
    const has = (text: string) => text.toLowerCase().includes(word);
    const found =
      word === ""
        ? lines
        : lines.filter(({ kind, source, destination, where }) =>
            [kind, source, destination, where].some(has),
          );
    const measures = new Map(found.map((line) => [line, measure(line, this.order)]));
    return found.sort(
      (a, b) => measures.get(b)! - measures.get(a)! || b.bytes - a.bytes || b.events - a.events,
    );
  }

  #update(row: Row, seconds: number, now: number): void {
    let known = this.#known.get(row);
    if (known === undefined) {
      known = { line: lineOf(row), events: 0, bytes: 0, seen: now };
      this.#known.set(row, known);
    }
    const { line, events, bytes } = known;
    line.eventRate = (row.events - events) / seconds;
    line.byteRate = (row.bytes - bytes) / seconds;
    line.events = row.events;
    line.bytes = row.bytes;
    line.guessed = row.isGuess ? row.events : 0;
    line.lost = row.lost;
    line.latencies = row.latencies;
    if (row.events !== events || row.lost > 0) known.seen = now;
    known.events = row.events;
    known.bytes = row.bytes;
  }

  #forget(rows: Rows, now: number): void {
    rows.prune((row) => {
      const isKept = now - (this.#known.get(row)?.seen ?? now) < memory;
      if (!isKept) this.#known.delete(row);
      return isKept;
    });
  }
}

function lineOf(row: Row): BoardLine {
  return {
    rows: [row],
    kind: row.kind,
    source: processText(row.srcPid, row.srcComm),
    destination: processText(row.dstPid, row.dstComm),
    where: printable(row.where),
    ...{ eventRate: 0, byteRate: 0, events: 0, bytes: 0, guessed: 0, lost: 0, latencies: null },
  };
}

function measure(entry: BoardLine, order: Order): number {
  switch (order) {
    case "rate":
      return entry.byteRate + entry.eventRate;
    case "bytes":
      return entry.bytes;
    case "events":
      return entry.eventRate;
    case "total":
      return entry.events;
    case "latency":
      return entry.latencies?.at(0.99) ?? -1;
  }
}

/** Both together, in `known` when there is one. */
function mergedOf(known: Quantiles | null, more: Quantiles | null): Quantiles | null {
  if (more === null) return known;
  const merged = known ?? new Quantiles();
  merged.merge(more);
  return merged;
}

/** What each process sent and received; the other end is how many there are. */
function byProcess(conversations: readonly BoardLine[]): BoardLine[] {
  const own = new Map<string, BoardLine & { others: Set<string>; kinds: Set<string>; rows: Row[] }>();
  for (const entry of conversations) {
    const { source, destination } = entry;
    const ends = source === destination ? [source] : [source, destination];
    for (const name of ends) {
      const other = name === source ? destination : source;
      const known = own.get(name);
      if (known === undefined) {
        own.set(name, {
          ...entry,
          source: name,
          rows: [...entry.rows],
          latencies: mergedOf(null, entry.latencies),
          others: new Set([other]),
          kinds: new Set([entry.kind]),
        });
        continue;
      }
      known.rows.push(...entry.rows);
      known.others.add(other);
      known.kinds.add(entry.kind);
      known.eventRate += entry.eventRate;
      known.byteRate += entry.byteRate;
      known.events += entry.events;
      known.bytes += entry.bytes;
      known.guessed += entry.guessed;
      known.lost += entry.lost;
      known.latencies = mergedOf(known.latencies, entry.latencies);
    }
  }
  return [...own.values()].map(({ others, kinds, ...entry }) => ({
    ...entry,
    kind: kinds.size === 1 ? [...kinds][0]! : `${kinds.size} kinds`,
    destination: others.size === 1 ? [...others][0]! : `${others.size} others`,
    where: "",
  }));
}
