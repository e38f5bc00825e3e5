/** The lines of HTTP's headers. */
import { latin1 } from "../../bytes/latin1.ts";
import type { Said } from "../message.ts";
import type { Head, Verdict } from "../protocol.ts";
import type { EventLines } from "./eventstream.ts";
import { decimal, word } from "./words.ts";

const space = 0x20;
const colon = 0x3a;
const semicolon = 0x3b;
/** of a first line that is looked for in the midst of something */
export const longestFirst = 8192;
const version = /^HTTP\/1\.[01]$/;
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
  if (bytes[at] === 0x48 && bytes[at + 4] === 0x2f) {
    const status = statusLine.exec(latin1(bytes.subarray(at, end)))?.[1];
    if (status === undefined) return false;
    const number = Number(status);
    reading.begin({ kind: "response", status: number, isError: number >= 400 }, number);
    return true;
  }
  const [method, target] = [bytes.indexOf(space, at), bytes.lastIndexOf(space, last - 1)];
  if (method < 0 || target <= method || target >= last) return false;
  if (!version.test(latin1(bytes.subarray(target + 1, last)))) return false;
  if (!requestLine.test(latin1(bytes.subarray(at, end)))) return false;
  reading.begin({ kind: "request", name: word(bytes, at, target) }, 0);
  return true;
}

/** A line of a header, of which few matter here. */
export function header(bytes: Uint8Array, at: number, last: number, reading: HttpReading): void {
  const end = bytes.subarray(at, last).indexOf(colon);
  if (end !== 14 && end !== 17 && end !== 12 && end !== 7) return;
  const name = latin1(bytes.subarray(at, at + end)).toLowerCase();
  let from = at + end + 1;
  while (from < last && bytes[from] === space) from++;
  let to = last;
  while (to > from && bytes[to - 1] === space) to--;
  if (name === "content-length") reading.length = decimal(bytes, from, to);
  else if (name === "transfer-encoding")
    reading.isChunked = /chunked$/i.test(latin1(bytes.subarray(from, to)));
  else if (name === "upgrade") reading.upgrade = word(bytes, from, to);
  else if (name === "content-type") {
    const parameters = bytes.subarray(from, to).indexOf(semicolon);
    reading.type = word(bytes, from, parameters < 0 ? to : from + parameters);
  }
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
