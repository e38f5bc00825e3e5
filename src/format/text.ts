import type { End, Event, Key, Lost, Meta } from "../event.ts";
import { escapeText } from "./escape.ts";
import { type Format, words, writeMeta } from "./format.ts";
import { hexdump } from "./hexdump.ts";
import { literal, Output } from "./output.ts";
import { Clock } from "./time.ts";

const space = 0x20;
const newline = 0x0a;
const opening = 0x28;
const closing = 0x29;

const arrow = literal(" > ");
const colon = literal(": ");
const comma = literal(", ");
const yes = literal(" true");
const unknownEnd = literal("<unknown>");
const lostWord = literal(" lost ");
const countWord = literal(": count ");
const reasonWord = literal(", reason ");

/** `: name value, name value` */
class TextMeta implements Meta {
  #out: Output = new Output(0);
  #first = true;

  begin(out: Output): void {
    this.#out = out;
    this.#first = true;
  }

  text(key: Key, value: Uint8Array): void {
    this.#name(key);
    this.#out.byte(space);
    escapeText(value, 0, value.length, this.#out);
  }

  integer(key: Key, low: number, high: number): void {
    this.#name(key);
    this.#out.byte(space);
    this.#out.unsigned64(low, high);
  }

  flag(key: Key): void {
    this.#name(key);
    this.#out.literal(yes);
  }

  #name(key: Key): void {
    this.#out.literal(this.#first ? colon : comma);
    this.#first = false;
    this.#out.copy(key.bytes, 0, key.bytes.length);
  }
}

/** The original ipcdump's lines; contents as a hex dump below them. */
export class Text implements Format {
  readonly #clock = new Clock();
  readonly #meta = new TextMeta();

  header(): void {}

  event(event: Event, out: Output): void {
    const meta = this.#meta;
    this.#clock.time(event.time, out);
    out.byte(space);
    out.literal(words[event.kind]);
    out.byte(space);
    end(event.src, out);
    out.literal(arrow);
    end(event.dst, out);
    meta.begin(out);
    writeMeta(event, meta);
    out.byte(newline);
    if (event.contents !== null) hexdump(event.contents, out);
  }

  lost(lost: Lost, out: Output): void {
    this.#clock.time(lost.time, out);
    out.literal(lostWord);
    out.literal(words[lost.kind]);
    out.literal(countWord);
    out.unsigned64(lost.count >>> 0, Math.floor(lost.count / 0x1_0000_0000));
    out.literal(reasonWord);
    out.literal(words[lost.reason]);
    out.byte(newline);
  }
}

function end(end: End, out: Output): void {
  out.signed(end.pid);
  out.byte(opening);
  if (end.comm === null) out.literal(unknownEnd);
  else escapeText(end.comm, 0, end.comm.length, out);
  out.byte(closing);
}
