/** The text line of a message, behind its time. */
import { highHalf } from "../../ffi/halves.ts";
import { escapeText } from "../bytes/escape.ts";
import { type Literal, literal, Output } from "../bytes/output.ts";
import type { Key, Meta } from "../event.ts";
import type { Detail, Message, MessageKind, Word } from "../message/message.ts";
import { Members } from "./members.ts";

/** what ends a value, which is written out within one */
const separator = 0x2c;

const countWord = literal(", count ");
const capturedWord = literal(", captured ");
const missingWord = literal(", missing ");
const latencyWord = literal(", latency ");
const waitingWord = literal(", waiting ");
const toWord = literal(", to ");
const idWord = literal(", id ");
const unanswered = literal("unanswered ");
const sourceGuess = literal(", src_guess true");
const destinationGuess = literal(", dst_guess true");

/** Where a message went: what a line has of the kind's own meta. */
const places: readonly string[] = ["path", "pipe_name", "dst_addr", "dst_port"];
/** the same by the id of a key, as far as it was asked for */
const known: (boolean | undefined)[] = [];
/** Of a field that has the name of a place: what a line calls it. */
const otherNames: Readonly<Record<string, string>> = { path: "object" };

/** Fields that are in the name already. */
const hidden = ["interface", "member"];

class PlaceText implements Meta {
  out: Output | null = null;
  readonly #members = new Members(
    ({ name }, _, out) => out.string(`, ${name} `),
    (value, out) => escapeText(value, 0, value.length, out, separator),
  );

  text(key: Key, value: Uint8Array): void {
    if (this.out !== null && isPlace(key)) this.#members.text(key, value, false, this.out);
  }

  integer(key: Key, low: number, high: number): void {
    if (this.out === null || !isPlace(key)) return;
    this.#members.name(key, false, this.out);
    this.out.unsigned64(low, high);
  }

  flag(): void {}
}

function isPlace({ id, name }: Key): boolean {
  known[id] ??= places.includes(name);
  return known[id];
}

const place = new PlaceText();
const words: Readonly<Record<MessageKind, Literal>> = {
  request: literal("request"),
  response: literal("response"),
  notification: literal("notification"),
  error: literal("error"),
  undecoded: literal("undecoded"),
  unanswered,
};

/** All that stands behind the ends and their colon. */
export function messageText(message: Message, out: Output): void {
  const { said, name, event, missing, latency } = message;
  const { kind, id, status, fields } = said;
  const isAnswer = kind === "response" || kind === "error";
  if (kind === "unanswered") out.literal(unanswered);
  const headline = isAnswer ? status : name;
  if (headline !== undefined && kind !== "undecoded") value(headline, out);
  else out.literal(words[kind]);
  if (id !== undefined) {
    out.literal(idWord);
    value(id, out);
  }
  if (fields !== undefined) for (const one of fields) field(one, out);
  if (!isAnswer) {
    place.out = out;
    event.meta(place);
  }
  if (kind === "unanswered") {
    out.literal(waitingWord);
    spanText(latency, out);
  } else {
    out.literal(countWord);
    out.unsigned64(event.countLow, event.countHigh);
    const { contents } = event;
    if (contents !== null && (event.countHigh > 0 || contents.length < event.countLow)) {
      out.literal(capturedWord);
      out.unsigned(contents.length);
    }
    number(missingWord, missing, out);
    if (latency >= 0) {
      out.literal(latencyWord);
      spanText(latency, out);
    }
    if (isAnswer && name !== undefined) {
      out.literal(toWord);
      value(name, out);
    }
  }
  if (event.src.guess) out.literal(sourceGuess);
  if (event.dst.guess) out.literal(destinationGuess);
}

function number(word: Literal, count: number, out: Output): void {
  if (count === 0) return;
  out.literal(word);
  out.unsigned64(count >>> 0, highHalf(count));
}

function field({ name, value: content }: Detail, out: Output): void {
  const known = fieldWords.get(name) ?? fieldWord(name);
  if (known === null) return;
  out.literal(known);
  value(content, out);
}

/** `, name ` of decoders' fields, of which there are few; null for what has no place in a line. */
const fieldWords = new Map<string, Literal | null>();

function fieldWord(name: string): Literal | null {
  const made = hidden.includes(name) ? null : literal(`, ${otherNames[name] ?? name} `);
  fieldWords.set(name, made);
  return made;
}

function value(word: Word, out: Output): void {
  if (typeof word === "number" && word >= 0) out.unsigned64(word >>> 0, highHalf(word));
  else if (typeof word === "number") out.string(`${word}`);
  else escapeText(word, 0, word.length, out, separator);
}

/** Units of time and how many of the next smaller steps a digit behind the point is. */
const units: readonly [word: Literal, nanoseconds: number][] = [
  [literal("s"), 1e9],
  [literal("ms"), 1e6],
  [literal("us"), 1e3],
];
const nanosecondsWord = literal("ns");
const point = 0x2e;
const zero = 0x30;

/** Nanoseconds in three digits: `1.21ms`. */
export function spanText(nanoseconds: number, out: Output): void {
  for (const [word, unit] of units) {
    const value = nanoseconds / unit;
    // what is rounded up to the next unit belongs there
    if (value < 0.9995) continue;
    const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    decimals(value, digits, out);
    out.literal(word);
    return;
  }
  out.unsigned64(nanoseconds >>> 0, highHalf(nanoseconds));
  out.literal(nanosecondsWord);
}

function decimals(value: number, digits: number, out: Output): void {
  const scaled = Math.round(value * 10 ** digits);
  const whole = Math.floor(scaled / 10 ** digits);
  out.unsigned64(whole >>> 0, highHalf(whole));
  if (digits === 0) return;
  const rest = scaled - whole * 10 ** digits;
  out.byte(point);
  if (digits === 2) out.byte(zero + Math.floor(rest / 10));
  out.byte(zero + (rest % 10));
}

/** The same as a text. */
export function span(nanoseconds: number): string {
  const out = new Output(16);
  spanText(nanoseconds, out);
  return new TextDecoder().decode(out.bytes.subarray(0, out.length));
}
