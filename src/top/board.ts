/** What `ipcdump top` shows: conversations or processes with their rates since the frame before. */

import { printable } from "../bytes/escape.ts";
import { endText, type Row } from "../format/rows.ts";

export const views = ["conversations", "processes"] as const;
export type View = (typeof views)[number];
export const orders = ["rate", "bytes", "events", "total"] as const;
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
}

/** The counters of rows as they were at the frame before. */
interface Before {
  events: number;
  bytes: number;
}

export class Board {
  view: View = "conversations";
  order: Order = "rate";
  /** what the names, places or kinds of the lines have to have in them */
  filter = "";
  readonly #before = new Map<Row, Before>();
  #time = performance.now();

  /** The lines of a new frame, in their order. */
  frame(rows: Iterable<Row>): BoardLine[] {
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.#time) / 1000);
    this.#time = now;
    const conversations: BoardLine[] = [];
    for (const row of rows) {
      const before = this.#before.get(row);
      conversations.push(this.#entry(row, before, seconds));
      if (before === undefined) this.#before.set(row, { events: row.events, bytes: row.bytes });
      else Object.assign(before, { events: row.events, bytes: row.bytes });
    }
    const entries = this.view === "conversations" ? conversations : byProcess(conversations);
    const word = this.filter.toLowerCase();
    const has = (text: string) => text.toLowerCase().includes(word);
    return entries
      .filter(
        ({ kind, source, destination, where }) => word === "" || [kind, source, destination, where].some(has),
      )
      .sort(
        (a, b) => measure(b, this.order) - measure(a, this.order) || b.bytes - a.bytes || b.events - a.events,
      );
  }

  #entry(row: Row, before: Before | undefined, seconds: number): BoardLine {
    return {
      rows: [row],
      kind: row.kind,
      source: endText(row.srcPid, row.srcComm),
      destination: endText(row.dstPid, row.dstComm),
      where: printable(row.where),
      eventRate: (row.events - (before?.events ?? 0)) / seconds,
      byteRate: (row.bytes - (before?.bytes ?? 0)) / seconds,
      events: row.events,
      bytes: row.bytes,
      guessed: row.isGuess ? row.events : 0,
      lost: row.lost,
    };
  }
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
  }
}

/** What each process sent and received; the other end is how many there are. */
function byProcess(conversations: readonly BoardLine[]): BoardLine[] {
  const own = new Map<string, BoardLine & { others: Set<string>; kinds: Set<string>; rows: Row[] }>();
  for (const entry of conversations) {
    for (const [name, other] of [
      [entry.source, entry.destination],
      [entry.destination, entry.source],
    ] as const) {
      // to oneself counts once
      if (name === other && own.get(name)?.rows.includes(entry.rows[0]!)) continue;
      const known = own.get(name);
      if (known === undefined) {
        own.set(name, {
          ...entry,
          source: name,
          rows: [...entry.rows],
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
    }
  }
  return [...own.values()].map(({ others, kinds, ...entry }) => ({
    ...entry,
    kind: kinds.size === 1 ? [...kinds][0]! : `${kinds.size} kinds`,
    destination: others.size === 1 ? [...others][0]! : `${others.size} others`,
    where: "",
  }));
}
