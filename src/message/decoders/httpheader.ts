/** The lines of HTTP's headers. */
import { latin1 } from "../../bytes/latin1.ts";
import type { Said } from "../message.ts";
import type { Head, Verdict } from "../protocol.ts";
import type { EventLines } from "./eventstream.ts";
import { decimal, isWord, word } from "./words.ts";

const space = 0x20;
const colon = 0x3a;
const semicolon = 0x3b;
/** of a first line that is looked for in the midst of something */
export const longestFirst = 8192;
const statusLine = /^HTTP\/1\.[01] (\d{3})(?: [^\r\n]*)?\r?\n$/;
const requestLine = /^([A-Z][A-Z-]{1,30}) ([^ \r\n]+) HTTP\/1\.[01]\r?\n$/;
/** either of them, wherever it is */
export const firstLine =
  /(?:[A-Z][A-Z-]{1,30} [^ \r\n]{1,8000} HTTP\/1\.[01]\r?\n)|(?:HTTP\/1\.[01] \d{3}[ \r])/;
const lineStart = /^[A-Z][A-Z-]{0,30}(?: [^\r\n]*\r?)?$/;
const statusStart = "HTTP/1.";

export type State =
  | "first"
  | "header"
  | "body"
  | "silence"
  | "chunk"
  | "data"
  | "behind"
  | "trailer"
  | "lost";

/** A message that is being read. */
export class HttpReading {
  state: State = "first";
  said: Said | null = null;
  status = 0;
  lines = 0;
  /** of the body, -1 when no header said it */
  length = -1;
  isChunked = false;
  type: Uint8Array | null = null;
  upgrade: Uint8Array | null = null;
  /** of a chunk of server-sent events: what has not come yet */
  chunk = 0;
  events: EventLines | null = null;

  begin(said: Said, status: number): void {
    this.state = "header";
    this.said = said;
    this.status = status;
    this.lines = 0;
    this.length = -1;
    this.isChunked = false;
    this.type = null;
    this.upgrade = null;
    this.events = null;
  }
}

/** The first line of a message; false when it is none. */
export function first(
  bytes: Uint8Array,
  at: number,
  end: number,
  last: number,
  reading: HttpReading,
): boolean {
  if (isVersion(bytes, at, last)) {
    const status = decimal(bytes, at + 9, at + 12);
    const isWhole = bytes[at + 8] === space && (at + 12 === last || bytes[at + 12] === space);
    if (!isWhole || status < 100 || last < at + 12) return false;
    reading.begin({ kind: "response", status, isError: status >= 400 }, status);
    return true;
  }
  const target = last - 9;
  if (target <= at + 3 || bytes[target] !== space || !isVersion(bytes, target + 1, last)) return false;
  if (!isRequest(bytes, at, target) || end <= last) return false;
  reading.begin({ kind: "request", name: word(bytes, at, target) }, 0);
  return true;
}

/** `HTTP/1.0` or `HTTP/1.1` */
function isVersion(bytes: Uint8Array, at: number, last: number): boolean {
  const digit = bytes[at + 7];
  return (
    last >= at + 8 && isWord(bytes, at, "http/1.") && bytes[at] === 0x48 && (digit === 0x30 || digit === 0x31)
  );
}

/** A method in capitals, a space, and a target without one. */
function isRequest(bytes: Uint8Array, at: number, end: number): boolean {
  let i = at;
  for (; i < end; i++) {
    const byte = bytes[i] as number;
    if ((byte < 0x41 || byte > 0x5a) && (byte !== 0x2d || i === at)) break;
  }
  if (i - at < 2 || i - at > 31 || bytes[i] !== space || i + 1 >= end) return false;
  for (i++; i < end; i++) {
    const byte = bytes[i];
    if (byte === space || byte === 0x0d) return false;
  }
  return true;
}

/** A line of a header, of which few matter here. */
export function header(bytes: Uint8Array, at: number, last: number, reading: HttpReading): void {
  const isNamed = (name: string) => bytes[at + name.length] === colon && isWord(bytes, at, name);
  // t, c and u are what those that matter begin with
  const start = (bytes[at] as number) | 0x20;
  if (start !== 0x74 && start !== 0x63 && start !== 0x75) return;
  if (isNamed("content-length")) {
    const [from, to] = trimmed(bytes, at + 15, last);
    reading.length = decimal(bytes, from, to);
  } else if (isNamed("content-type")) {
    const [from, to] = trimmed(bytes, at + 13, last);
    let end = from;
    while (end < to && bytes[end] !== semicolon) end++;
    reading.type = word(bytes, from, end);
  } else if (isNamed("transfer-encoding")) {
    const [from, to] = trimmed(bytes, at + 18, last);
    reading.isChunked = to - from >= 7 && isWord(bytes, to - 7, "chunked");
  } else if (isNamed("upgrade")) {
    const [from, to] = trimmed(bytes, at + 8, last);
    reading.upgrade = word(bytes, from, to);
  }
}

function trimmed(bytes: Uint8Array, start: number, end: number): [number, number] {
  let [from, to] = [start, end];
  while (from < to && bytes[from] === space) from++;
  while (to > from && bytes[to - 1] === space) to--;
  return [from, to];
}

export function reasonOf(status: number): string {
  return status === 100 ? "Continue" : status === 102 ? "Processing" : status === 103 ? "Early Hints" : "";
}

export function detect({ bytes }: Head): Verdict {
  const end = bytes.subarray(0, longestFirst).indexOf(0x0a);
  const line = latin1(bytes.subarray(0, end < 0 ? longestFirst : end + 1));
  if (line.startsWith(statusStart)) {
    if (end < 0)
      return line.length < longestFirst && /^HTTP\/1\.(?:[01](?: .*\r?)?)?$/.test(line) ? "maybe" : "no";
    return statusLine.test(line) ? "answers" : "no";
  }
  if (end >= 0) return requestLine.test(line) ? "asks" : "no";
  if (line.length >= longestFirst) return "no";
  return lineStart.test(line) || statusStart.startsWith(line) ? "maybe" : "no";
}
