/** The text line of a message, behind its time. */
import { highHalf } from "../../ffi/halves.ts";
import { escapeText } from "../bytes/escape.ts";
import { type Literal, literal, type Output } from "../bytes/output.ts";
import type { Key, Meta } from "../event.ts";
import type { Detail, Message, Word } from "../message/message.ts";

const space = 0x20;
/** what ends a value, which is written out within one */
const separator = 0x2c;

const comma = literal(", ");
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
const places = ["path", "pipe_name", "dst_addr", "dst_port"];
/** Of a field that has the name of a place: what a line calls it. */
const otherNames: Readonly<Record<string, string>> = { path: "object" };

/** Fields that are in the name already. */
const hidden = ["interface", "member"];

class PlaceText implements Meta {
  out: Output | null = null;

  text(key: Key, value: Uint8Array): void {
    const { out } = this;
    if (out === null || !places.includes(key.name)) return;
    member(key, out);
    escapeText(value, 0, value.length, out, separator);
  }

  integer(key: Key, low: number, high: number): void {
    const { out } = this;
    if (out === null || !places.includes(key.name)) return;
    member(key, out);
    out.unsigned64(low, high);
  }

  flag(): void {}
}

function member(key: Key, out: Output): void {
  out.literal(comma);
  out.copy(key.bytes, 0, key.bytes.length);
  out.byte(space);
}

const place = new PlaceText();
const words: Readonly<Record<Message["kind"], Literal>> = {
  request: literal("request"),
  response: literal("response"),
  notification: literal("notification"),
  error: literal("error"),
  undecoded: literal("undecoded"),
  unanswered,
};

/** All that stands behind the ends and their colon. */
export function messageText(message: Message, out: Output): void {
  const { kind, name, id, status, fields = [], event, missing, latency } = message;
  const isAnswer = kind === "response" || kind === "error";
  if (kind === "unanswered") out.literal(unanswered);
  const headline = isAnswer ? status : name;
  if (headline !== undefined && kind !== "undecoded") value(headline, out);
  else out.literal(words[kind]);
  if (id !== undefined) {
    out.literal(idWord);
    value(id, out);
  }
  for (const one of fields) field(one, out);
  if (!isAnswer) {
    place.out = out;
    event.meta(place);
  }
  if (kind === "unanswered") {
    out.literal(waitingWord);
    out.string(span(latency));
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
      out.string(span(latency));
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
  if (hidden.includes(name)) return;
  out.literal(comma);
  out.string(otherNames[name] ?? name);
  out.byte(space);
  value(content, out);
}

function value(word: Word, out: Output): void {
  if (typeof word === "number") out.string(`${word}`);
  else escapeText(word, 0, word.length, out, separator);
}

const units: readonly [word: string, nanoseconds: number][] = [
  ["s", 1e9],
  ["ms", 1e6],
  ["us", 1e3],
];

/** Nanoseconds in three digits: `1.21ms`. */
export function span(nanoseconds: number): string {
  for (const [word, unit] of units) {
    const value = nanoseconds / unit;
    // what is rounded up to the next unit belongs there
    if (value < 0.9995) continue;
    return `${value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0)}${word}`;
  }
  return `${nanoseconds}ns`;
}
