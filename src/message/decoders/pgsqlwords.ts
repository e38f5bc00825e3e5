/** What PostgreSQL's messages are made of. */
import { latin1 } from "../../bytes/latin1.ts";
import type { Detail } from "../message.ts";
import { field, text, word } from "./words.ts";

/** of a message: what can be sent at once */
const mostMessage = 2 ** 30;
const fromClient = "QPBDECSHXpdcfF";
const fromServer = "RSKZ123TDCIENntAGHWdcsVv";

/** Of an error or a notice. */
export interface ErrorFields {
  /** SQLSTATE */
  readonly status: Uint8Array;
  /** what a person reads */
  readonly reason: Uint8Array;
  /** the connection ends with it */
  readonly isFatal: boolean;
}

/** The length of the message that begins here, with its type; -1 when none can. */
export function header(bytes: Uint8Array, at: number, isClient: boolean): number {
  if (!(isClient ? fromClient : fromServer).includes(String.fromCharCode(bytes[at] as number))) return -1;
  const length = int32(bytes, at + 1);
  return length < 4 || length > mostMessage ? -1 : length + 1;
}

export function int32(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** All texts that end with a NUL. */
export function strings(body: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf(0, at);
    if (end < 0) break;
    found.push(word(body, at, end));
    at = end + 1;
  }
  return found;
}

/** A text up to its NUL on one line. */
export function clean(body: Uint8Array, from: number): string {
  const end = body.indexOf(0, from);
  return new TextDecoder()
    .decode(body.subarray(from, end < 0 ? body.length : end))
    .replace(/\s+/g, " ")
    .trim();
}

export function errorOf(body: Uint8Array): ErrorFields {
  const all = strings(body);
  const of = (letter: number) => all.find((value) => value[0] === letter)?.subarray(1) ?? text("");
  const severity = latin1(of(0x56));
  return { status: of(0x43), reason: of(0x4d), isFatal: severity === "FATAL" || severity === "PANIC" };
}

export function reasonOf({ reason }: ErrorFields): Detail[] {
  return reason.length === 0 ? [] : [field("reason", reason)];
}
