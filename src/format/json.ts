import { highHalf } from "../../ffi/halves.ts";
import { base64 } from "../bytes/base64.ts";
import { escapeJson } from "../bytes/escape.ts";
import { literal, Output } from "../bytes/output.ts";
import { inPieces } from "../bytes/pieces.ts";
import { isText } from "../bytes/readable.ts";
import type { End, Event, Key, Lost, Meta, PassedFile } from "../event.ts";
import type { Message } from "../message/message.ts";
import { count, type Format, type FormatChoice, words, writeMeta } from "./format.ts";
import { identityJson } from "./identity.ts";
import { Members } from "./members.ts";
import { messageJson } from "./messagejson.ts";
import { Pairs } from "./pairs.ts";
import { passedJson } from "./passed.ts";
import { SpelledMeta } from "./spelled.ts";
import { LocalTime } from "./time.ts";

const quote = 0x22;
const comma = 0x2c;

const sourcePid = literal('{"src_pid":');
const sourceComm = literal(',"src_comm":"');
const destinationPid = literal('","dst_pid":');
const destinationComm = literal(',"dst_comm":"');
const source = literal('","src":');
const destination = literal(',"dst":');
const type = literal('","type":"');
const typeBehindObject = literal(',"type":"');
const time = literal('","time":"');
const openMeta = literal('","meta":{');
const closeMeta = literal("}");
const protocol = literal(',"protocol":"');
const openMessage = literal('","message":');
const openBytes = literal(',"bytes":"');
const openText = literal(',"text":"');
const closeQuoted = literal('"}\n');
const closePlain = literal("}\n");
const colon = literal('":');
const yes = literal("true");
const unknownEnd = literal("<unknown>");
const lostType = literal('{"lost_type":"');
const lostCount = literal('","count":');
const lostReason = literal(',"reason":"');

/** The members of the meta object. */
export class JsonMeta implements Meta {
  readonly #members = new Members(
    (key, isFirst, out) => {
      if (!isFirst) out.byte(comma);
      out.byte(quote);
      // names come from our own tables and need no escaping
      out.copy(key.bytes, 0, key.bytes.length);
      out.literal(colon);
    },
    (value, out) => {
      out.byte(quote);
      escapeJson(value, 0, value.length, out);
      out.byte(quote);
    },
  );
  #out: Output = new Output(0);
  #first = true;
  #behind: Output | null = null;

  /** @param behind what stands behind the value of `count`, which is left out then */
  begin(out: Output, behind: Output | null = null): void {
    this.#out = out;
    this.#first = true;
    this.#behind = behind;
  }

  text(key: Key, value: Uint8Array): void {
    this.#members.text(key, value, this.#first, this.#out);
    this.#first = false;
  }

  integer(key: Key, low: number, high: number): void {
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
    passedJson(files, this.#out);
  }
}

/** One object a line, with the original ipcdump's keys. */
export class Json implements Format {
  readonly #clock = new LocalTime();
  readonly #meta = new JsonMeta();
  readonly #spelled = new SpelledMeta((event, front, behind) => {
    this.#meta.begin(front, behind);
    writeMeta(event, this.#meta);
  });
  readonly #pairs: Pairs;
  readonly #isReadable: boolean;

  constructor({ isReadable = false, tells = false }: FormatChoice = {}) {
    this.#isReadable = isReadable;
    this.#pairs = new Pairs((event, out) => ends(event, tells, out));
  }

  header(): void {}

  event(event: Event, out: Output): void {
    this.#open(event, out);
    this.#close(event, out);
  }

  message(message: Message, out: Output): void {
    this.#open(message.event, out);
    out.literal(protocol);
    out.string(message.protocol);
    out.literal(openMessage);
    messageJson(message, out);
    this.#close(message.event, out);
  }

  #open(event: Event, out: Output): void {
    this.#pairs.write(event, out);
    this.#clock.timestamp(event.time, out);
    out.literal(openMeta);
    this.#spelled.write(event, out);
    out.literal(closeMeta);
  }

  #close({ contents }: Event, out: Output): void {
    if (contents === null) {
      out.literal(closePlain);
    } else if (this.#isReadable && isText(contents, false)) {
      out.literal(openText);
      inPieces(contents, out, escapeJson, closeQuoted);
    } else {
      out.literal(openBytes);
      base64(contents, out, closeQuoted);
    }
  }

  lost(lost: Lost, out: Output): void {
    out.literal(lostType);
    out.literal(words[lost.kind]);
    out.literal(lostCount);
    out.unsigned64(lost.count >>> 0, highHalf(lost.count));
    out.literal(lostReason);
    out.literal(words[lost.reason]);
    out.literal(time);
    this.#clock.timestamp(lost.time, out);
    out.literal(closeQuoted);
  }
}

/** All that stands before the time. */
function ends(event: Event, tells: boolean, out: Output): void {
  out.literal(sourcePid);
  out.signed(event.src.pid);
  out.literal(sourceComm);
  comm(event.src, out);
  out.literal(destinationPid);
  out.signed(event.dst.pid);
  out.literal(destinationComm);
  comm(event.dst, out);
  if (tells) {
    out.literal(source);
    identityJson(event.src.who ?? null, out);
    out.literal(destination);
    identityJson(event.dst.who ?? null, out);
    out.literal(typeBehindObject);
  } else {
    out.literal(type);
  }
  out.literal(words[event.kind]);
  out.literal(time);
}

function comm(end: End, out: Output): void {
  if (end.comm === null) out.literal(unknownEnd);
  else escapeJson(end.comm, 0, end.comm.length, out);
}
