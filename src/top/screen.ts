/** The frames of `ipcdump top`: as text, a screen full or, for scripts, all lines. */
import { span } from "../format/messagetext.ts";
import type { BoardLine } from "./board.ts";

/** What stands above the lines. */
export interface FrameHead {
  seconds: number;
  events: number;
  lost: number;
  view: string;
  order: string;
  filter: string;
  /** while a filter is typed */
  isTyping: boolean;
  isPaused: boolean;
}

const titles = [
  "TYPE",
  "SRC",
  "DST",
  "WHERE",
  "EV/S",
  "BYTES/S",
  "EVENTS",
  "BYTES",
  "GUESS",
  "LOST",
  "P50",
  "P99",
];
/** columns of text, which are cut where there is no room, the last one first */
const texts = 4;
const narrowest = [6, 14, 14, 8];
/** columns that are left out while they are empty */
const rare = [8, 9, 10, 11];
/** what stands where there is nothing to tell */
const nothing = "-";
const reverse = "\x1b[7m";
const plain = "\x1b[0m";

/** The lines of a frame. @param room columns, 0: as many as it takes */
export function frameOf(head: FrameHead, entries: readonly BoardLine[], room: number): string[] {
  const full = [titles, ...entries.map(cellsOf)];
  const empty =
    room === 0
      ? []
      : rare.filter((i) => full.slice(1).every((line) => line[i] === "0" || line[i] === nothing));
  const cells = full.map((line) => line.filter((_, i) => !empty.includes(i)));
  const widths = cells[0]!.map((_, i) => cells.reduce((most, line) => Math.max(most, line[i]!.length), 0));
  if (room > 0) narrow(widths, room);
  const lines = cells.map((line) =>
    line
      .map((cell, i) =>
        i < texts ? cut(cell, widths[i]!, i === texts - 1).padEnd(widths[i]!) : cell.padStart(widths[i]!),
      )
      .join(" ")
      .trimEnd(),
  );
  return [headOf(head, entries, room), ...lines];
}

/** What is typed has to be seen, so sums make room for it. */
function headOf(head: FrameHead, entries: readonly BoardLine[], room: number): string {
  const rate = entries.reduce((sum, { eventRate }) => sum + eventRate, 0);
  const bytes = entries.reduce((sum, { byteRate }) => sum + byteRate, 0);
  const parts = [
    `ipcdump top ${Math.round(head.seconds)}s`,
    `${short(rate)}/s`,
    `${short(bytes)}B/s`,
    `${short(head.events)} events`,
    `${short(head.lost)} lost`,
    `${head.view} by ${head.order}`,
  ];
  if (head.isTyping || head.filter !== "") parts.push(`/${head.filter}${head.isTyping ? "_" : ""}`);
  if (head.isPaused) parts.push("paused");
  for (const sum of sums) if (room > 0 && parts.join("  ").length > room) parts.splice(sum, 1);
  return parts.join("  ");
}

/** of the head what is left out where there is no room, the last first: events, bytes and events a second */
const sums = [3, 2, 1];

function cellsOf(entry: BoardLine): string[] {
  return [
    entry.kind,
    entry.source,
    entry.destination,
    entry.where === "" ? nothing : entry.where,
    short(entry.eventRate),
    short(entry.byteRate),
    short(entry.events),
    short(entry.bytes),
    short(entry.guessed),
    short(entry.lost),
    ...[0.5, 0.99].map((part) => (entry.latencies === null ? nothing : span(entry.latencies.at(part)))),
  ];
}

/** `950`, `1.2K`, `34M`: four characters at most. */
export function short(value: number): string {
  if (value > 0 && value < 10) return value < 0.05 ? "0" : value.toFixed(1).replace(/\.0$/, "");
  let rest = value;
  for (const unit of ["", "K", "M", "G", "T"]) {
    if (rest < 999.5) return `${rest < 9.95 && unit !== "" ? rest.toFixed(1) : Math.round(rest)}${unit}`;
    rest /= 1000;
  }
  return `${Math.round(rest)}P`;
}

/** Takes from the columns of text what is too much: from the last one first, of names from the longest. */
function narrow(widths: number[], room: number): void {
  let excess = widths.reduce((sum, width) => sum + width + 1, -1) - room;
  for (; excess > 0; excess--) {
    const spare = (i: number) => widths[i]! - narrowest[i]!;
    const order = [3, ...(widths[1]! >= widths[2]! ? [1, 2] : [2, 1]), 0];
    const column = order.find((i) => spare(i) > 0);
    if (column === undefined) return;
    widths[column]!--;
  }
}

/** What does not fit loses its end, a path its middle. */
function cut(text: string, width: number, isPath: boolean): string {
  if (text.length <= width) return text;
  const behind = isPath ? Math.floor((width - 1) / 2) : 0;
  return `${text.slice(0, width - 1 - behind)}~${behind === 0 ? "" : text.slice(-behind)}`;
}

/** A frame for a terminal: in place of the one before, with one line marked. */
export function painted(lines: readonly string[], rows: number, columns: number, marked: number): string {
  const shown = lines.slice(0, rows).map((line, i) => {
    const text = line.slice(0, columns);
    return i === marked || i === 1 ? `${reverse}${text.padEnd(columns)}${plain}` : text;
  });
  return `\x1b[H${shown.map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J`;
}
