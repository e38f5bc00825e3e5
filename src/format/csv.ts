import { highHalf } from "../../ffi/halves.ts";
import { base64 } from "../bytes/base64.ts";
import { escapeText } from "../bytes/escape.ts";
import { type Literal, literal, Output } from "../bytes/output.ts";
import { inPieces, slice, type Writer } from "../bytes/pieces.ts";
import { isText } from "../bytes/readable.ts";
import type { End, Event, Key, Lost } from "../event.ts";
import type { Message } from "../message/message.ts";
import { type Format, type FormatChoice, words, writeMeta } from "./format.ts";
import { identityJson } from "./identity.ts";
import { JsonMeta } from "./json.ts";
import { messageJson } from "./messagejson.ts";
import { Pairs } from "./pairs.ts";
import { LocalTime } from "./time.ts";

const quote = 0x22;
const comma = 0x2c;
const newline = 0x0a;

const header = "timestamp,type,src_pid,src_comm,dst_pid,dst_comm,count,meta,bytes";
/** of -A: contents that are text, which `bytes` are not then */
const textColumn = ",text";
/** of --decode: empty where an event is no message */
const more = ",protocol,kind,name,id,status,latency_ns,message";
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const whoColumns = ",src,dst";
const noWho = literal(",,");
const none = literal(",,,,,,,");
const noMessage = endOf(",,,,,,,\n");
const lineEnd = endOf("\n");
const nothing = endOf("");
const unknownEnd = literal("<unknown>");
const lostRow = literal(",lost,,,,,");
const lostType = literal(',"{""lost_type"":""');
const lostReason = literal('"",""reason"":""');
const closeLost = literal('""}",');
const openMeta = literal('"{');
const closeMeta = literal('}"');

/** What stands behind contents: also when they are quoted, and when the column of text is empty behind them. */
interface RowEnd {
  readonly plain: Literal;
  readonly quoted: Literal;
  readonly noText: Literal;
}

function endOf(text: string): RowEnd {
  return { plain: literal(text), quoted: literal(`"${text}`), noText: literal(`,${text}`) };
}

/** The JSON object's members, and whether `count` was among them: signals have none. */
class CsvMeta extends JsonMeta {
  counted = false;

  override begin(out: Output): void {
    super.begin(out);
    this.counted = false;
  }

  override integer(key: Key, low: number, high: number): void {
    if (key.name === "count") this.counted = true;
    super.integer(key, low, high);
  }
}

/** RFC 4180 but for the line ends, which are LF. Names are escaped as in text, so no field has a line break. */
export class Csv implements Format {
  readonly #clock = new LocalTime();
  readonly #meta = new CsvMeta();
  readonly #scratch = new Output(4096);
  readonly #columns = new Output(256);
  readonly #behind = new Output(256);
  readonly #pairs = new Pairs((event, out) => {
    out.byte(comma);
    out.literal(words[event.kind]);
    this.#end(event.src, out);
    this.#end(event.dst, out);
  });

  readonly #decodes: boolean;
  readonly #isReadable: boolean;
  readonly #tells: boolean;

  constructor({ decodes = false, isReadable = false, tells = false }: FormatChoice = {}) {
    this.#tells = tells;
    this.#decodes = decodes;
    this.#isReadable = isReadable;
  }

  header(out: Output): void {
    out.string(
      `${header}${this.#isReadable ? textColumn : ""}${this.#tells ? whoColumns : ""}${this.#decodes ? more : ""}\n`,
    );
  }

  event(event: Event, out: Output): void {
    this.#row(event, out, this.#decodes ? noMessage : lineEnd);
  }

  message(message: Message, out: Output): void {
    const { event } = message;
    if ((event.contents?.length ?? 0) <= slice) {
      this.#row(event, out, nothing);
      this.#said(message, out);
      return;
    }
    // what stands behind long contents is written when they are
    this.#behind.clear();
    this.#said(message, this.#behind);
    this.#row(event, out, endOf(decoder.decode(this.#behind.bytes.subarray(0, this.#behind.length))));
  }

  /** The columns of --decode. */
  #said(message: Message, out: Output): void {
    const { protocol, said, name, latency } = message;
    const { kind, id, status } = said;
    out.string(`,${protocol},${kind},`);
    for (const word of [name, id, status]) {
      this.#scratch.clear();
      if (typeof word === "number") this.#scratch.string(`${word}`);
      else if (word !== undefined) escapeText(word, 0, word.length, this.#scratch);
      field(this.#scratch, out);
      out.byte(comma);
    }
    if (latency >= 0) out.string(`${latency}`);
    out.byte(comma);
    this.#scratch.clear();
    messageJson(message, this.#scratch);
    out.byte(quote);
    doubleQuotes(this.#scratch, out);
    out.byte(quote);
    out.byte(newline);
  }

  #row(event: Event, out: Output, end: RowEnd): void {
    const scratch = this.#scratch;
    this.#clock.timestamp(event.time, out);
    this.#pairs.write(event, out);
    scratch.clear();
    this.#meta.begin(scratch);
    writeMeta(event, this.#meta);
    out.byte(comma);
    if (this.#meta.counted) out.unsigned64(event.countLow, event.countHigh);
    out.byte(comma);
    out.literal(openMeta);
    doubleQuotes(scratch, out);
    out.literal(closeMeta);
    out.byte(comma);
    this.#contents(event, out, end);
  }

  #contents(event: Event, out: Output, end: RowEnd): void {
    const { contents } = event;
    const { plain, quoted, noText } = this.#tells ? this.#behindWho(event, end) : end;
    const behind = this.#isReadable ? noText : plain;
    if (contents === null) {
      out.literal(behind);
    } else if (!this.#isReadable || !isText(contents, false)) {
      base64(contents, out, behind);
    } else {
      out.byte(comma);
      const isPlain = !needsQuotes(contents.bytes, contents.start, contents.start + contents.length);
      if (!isPlain) out.byte(quote);
      inPieces(contents, out, isPlain ? escapeText : this.#quoted, isPlain ? plain : quoted);
    }
  }

  readonly #quoted: Writer = (source, from, to, out) => {
    this.#scratch.clear();
    escapeText(source, from, to, this.#scratch);
    doubleQuotes(this.#scratch, out);
  };

  /** The same with both columns of --who in front. */
  #behindWho({ src, dst }: Event, end: RowEnd): RowEnd {
    const columns = this.#columns;
    columns.clear();
    this.#who(src, columns);
    this.#who(dst, columns);
    columns.literal(end.plain);
    return endOf(decoder.decode(columns.bytes.subarray(0, columns.length)));
  }

  /** an object of JSON; empty for an end that nobody knows */
  #who({ who }: End, out: Output): void {
    out.byte(comma);
    if (who === null || who === undefined) return;
    this.#scratch.clear();
    identityJson(who, this.#scratch);
    out.byte(quote);
    doubleQuotes(this.#scratch, out);
    out.byte(quote);
  }

  /** No end is known of lost events. Their kind and the reason stand in the meta column. */
  lost(lost: Lost, out: Output): void {
    this.#clock.timestamp(lost.time, out);
    out.literal(lostRow);
    out.unsigned64(lost.count >>> 0, highHalf(lost.count));
    out.literal(lostType);
    out.literal(words[lost.kind]);
    out.literal(lostReason);
    out.literal(words[lost.reason]);
    out.literal(closeLost);
    if (this.#isReadable) out.byte(comma);
    if (this.#tells) out.literal(noWho);
    if (this.#decodes) out.literal(none);
    out.byte(newline);
  }

  #end(end: End, out: Output): void {
    out.byte(comma);
    out.signed(end.pid);
    out.byte(comma);
    if (end.comm === null) {
      out.literal(unknownEnd);
      return;
    }
    this.#scratch.clear();
    escapeText(end.comm, 0, end.comm.length, this.#scratch);
    field(this.#scratch, out);
  }
}

/** A field of text without line breaks, quoted where it has to be. */
export function field(text: Output, out: Output): void {
  if (!needsQuotes(text.bytes, 0, text.length)) {
    out.copy(text.bytes, 0, text.length);
    return;
  }
  out.byte(quote);
  doubleQuotes(text, out);
  out.byte(quote);
}

function needsQuotes(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === comma || bytes[at] === quote) return true;
  return false;
}

function doubleQuotes(text: Output, out: Output): void {
  out.ensure(text.length * 2);
  let at = out.length;
  for (let i = 0; i < text.length; i++) {
    const byte = text.bytes[i] as number;
    if (byte === quote) out.bytes[at++] = quote;
    out.bytes[at++] = byte;
  }
  out.length = at;
}
