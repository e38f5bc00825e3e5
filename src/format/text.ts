import { highHalf } from "../../ffi/halves.ts";
import { escapeText } from "../bytes/escape.ts";
import { hexdump } from "../bytes/hexdump.ts";
import { type Literal, literal, Output } from "../bytes/output.ts";
import { isText, textRows } from "../bytes/readable.ts";
import type { Contents, End, Event, Key, Lost, Meta, PassedFile } from "../event.ts";
import type { Message } from "../message/message.ts";
import { count, type Format, type FormatChoice, words, writeMeta } from "./format.ts";
import { Members } from "./members.ts";
import { messageText } from "./messagetext.ts";
import { Pairs } from "./pairs.ts";
import { passedJson, passedText } from "./passed.ts";
import { SpelledMeta } from "./spelled.ts";
import { LocalTime } from "./time.ts";

const space = 0x20;
const newline = 0x0a;
/** what ends a value of meta, and a name: within them they are written out, so that no name can forge a line */
const separator = 0x2c;
const parenthesis = 0x29;
const decoder = new TextDecoder();

const arrow = literal(" > ");
const colon = literal(": ");
const comma = literal(", ");
const yes = literal("true");
const unknownEnd = literal("<unknown>");
const lostWord = literal(" lost ");
const countWord = literal(": count ");
const reasonWord = literal(", reason ");

/** The punctuation before and between the parts of a line, with colours and without. */
interface Paint {
  start: Literal;
  kind: Literal;
  ends: Literal;
  name: Literal;
  nameEnd: Literal;
  lost: Literal;
  lostEnd: Literal;
}

const off = "\x1b[0m";
const plain: Paint = {
  start: literal(""),
  kind: literal(" "),
  ends: literal(" "),
  name: literal("("),
  nameEnd: literal(")"),
  lost: literal(""),
  lostEnd: literal("\n"),
};
const colored: Paint = {
  start: literal("\x1b[2m"),
  kind: literal(`${off} \x1b[36m`),
  ends: literal(`${off} `),
  name: literal("(\x1b[1m"),
  nameEnd: literal(`${off})`),
  lost: literal("\x1b[31m"),
  lostEnd: literal(`${off}\n`),
};

/** What --brief leaves out. */
const details: readonly string[] = [
  ...["pipe_inode", "src_inode", "dst_inode", "src_addr", "dst_addr", "nat_addr", "src_serv", "dst_serv"],
];

/** `: name value, name value` */
class TextMeta implements Meta {
  readonly #members = new Members(
    (key, isFirst, out) => {
      out.literal(isFirst ? colon : comma);
      out.copy(key.bytes, 0, key.bytes.length);
      out.byte(space);
    },
    (value, out) => escapeText(value, 0, value.length, out, separator),
  );
  #out: Output = new Output(0);
  #first = true;
  #behind: Output | null = null;

  constructor(
    private readonly isBrief: boolean,
    private readonly isRecorded: boolean,
  ) {}

  /** @param behind what stands behind the value of `count`, which is left out then */
  begin(out: Output, behind: Output | null = null): void {
    this.#out = out;
    this.#first = true;
    this.#behind = behind;
  }

  text(key: Key, value: Uint8Array): void {
    if (this.isBrief && details.includes(key.name)) return;
    this.#members.text(key, value, this.#first, this.#out);
    this.#first = false;
  }

  integer(key: Key, low: number, high: number): void {
    if (this.isBrief && details.includes(key.name)) return;
    this.#members.name(key, this.#first, this.#out);
    this.#first = false;
    if (this.#behind !== null && key === count) this.#out = this.#behind;
    else this.#out.unsigned64(low, high);
  }

  flag(key: Key): void {
    this.#members.name(key, this.#first, this.#out);
    this.#first = false;
    this.#out.literal(yes);
  }

  passed(key: Key, files: readonly PassedFile[]): void {
    this.#members.name(key, this.#first, this.#out);
    this.#first = false;
    if (this.isRecorded) passedJson(files, this.#out);
    else passedText(files, this.#out);
  }
}

/** The original ipcdump's lines; contents below them, as a hex dump or as text. */
export class Text implements Format {
  readonly #clock = new LocalTime();
  readonly #meta: TextMeta;
  readonly #spelled = new SpelledMeta((event, front, behind) => this.#spell(event, front, behind));
  readonly #paint: Paint;
  readonly #pairs: Pairs;
  readonly #speakers = new Map<string, Pairs>();

  readonly #isReadable: boolean;
  readonly #tells: boolean;

  constructor({
    isColored = false,
    isBrief = false,
    isReadable = false,
    isRecorded = false,
    tells = false,
  }: FormatChoice = {}) {
    this.#meta = new TextMeta(isBrief, isRecorded);
    this.#isReadable = isReadable;
    this.#tells = tells;
    const paint = isColored ? colored : plain;
    this.#paint = paint;
    this.#pairs = new Pairs((event, out) => this.#ends(words[event.kind], event, out));
  }

  header(): void {}

  event(event: Event, out: Output): void {
    out.literal(this.#paint.start);
    this.#clock.time(event.time, out);
    this.line(event, out);
    out.byte(newline);
    if (event.contents !== null) this.#contents(event.contents, out);
  }

  message(message: Message, out: Output): void {
    const { event, protocol } = message;
    out.literal(this.#paint.start);
    this.#clock.time(event.time, out);
    const pairs = this.#speakers.get(protocol) ?? this.#speakersOf(protocol);
    pairs.write(event, out);
    out.literal(colon);
    messageText(message, out);
    out.byte(newline);
    if (event.contents !== null) this.#contents(event.contents, out);
  }

  #contents(contents: Contents, out: Output): void {
    if (this.#isReadable && isText(contents, true)) textRows(contents, out);
    else hexdump(contents, out);
  }

  /** All of the line that stands behind the time, a space first. */
  line(event: Event, out: Output): void {
    this.#pairs.write(event, out);
    this.#spelled.write(event, out);
  }

  /** The same, but for the value of `count`: what stands before it, and what stands behind it. */
  aroundCount(event: Event, front: Output, behind: Output): void {
    this.#pairs.write(event, front);
    this.#spell(event, front, behind);
  }

  #spell(event: Event, front: Output, behind: Output | null): void {
    this.#meta.begin(front, behind);
    writeMeta(event, this.#meta);
  }

  lost(lost: Lost, out: Output): void {
    out.literal(this.#paint.lost);
    this.#clock.time(lost.time, out);
    this.lostLine(lost, out);
    out.literal(this.#paint.lostEnd);
  }

  /** The same of a lost line. */
  lostLine(lost: Lost, out: Output): void {
    out.literal(lostWord);
    out.literal(words[lost.kind]);
    out.literal(countWord);
    out.unsigned64(lost.count >>> 0, highHalf(lost.count));
    out.literal(reasonWord);
    out.literal(words[lost.reason]);
  }

  #ends(kind: Literal, { src, dst }: Event, out: Output): void {
    out.literal(this.#paint.kind);
    out.literal(kind);
    out.literal(this.#paint.ends);
    this.#end(src, out);
    out.literal(arrow);
    this.#end(dst, out);
  }

  /** Those of a protocol, of which there are few. */
  #speakersOf(protocol: string): Pairs {
    const word = literal(protocol);
    const pairs = new Pairs((event, out) => this.#ends(word, event, out));
    this.#speakers.set(protocol, pairs);
    return pairs;
  }

  #end(end: End, out: Output): void {
    out.signed(end.pid);
    out.literal(this.#paint.name);
    if (end.comm === null) out.literal(unknownEnd);
    else if (this.#tells) labelled(end.comm, end.who?.label ?? null, out);
    else escapeText(end.comm, 0, end.comm.length, out, parenthesis);
    out.literal(this.#paint.nameEnd);
  }
}

/** A name and what tells its process apart, `node[server.js] in web`; no name can pretend to say that much. */
export function labelled(comm: Uint8Array, label: Uint8Array | null, out: Output): void {
  const start = out.length;
  escapeText(comm, 0, comm.length, out, parenthesis);
  const name = decoder.decode(out.bytes.subarray(start, out.length));
  if (/\[| in /.test(name)) {
    out.length = start;
    out.string(name.replaceAll("[", "\\x5b").replaceAll(" in ", "\\x20in "));
  }
  if (label !== null) out.copy(label, 0, label.length);
}
