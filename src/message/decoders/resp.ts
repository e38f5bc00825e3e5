/**
 * Redis' protocol, RESP2 and RESP3: pipelines, subscriptions, transactions. A value may be in others and of any length,
 * and only the first words are looked at; parsers for clients build all of it.
 */
import { latin1 } from "../../bytes/latin1.ts";
import type { Detail, Said, Word } from "../message.ts";
import type { Dialogue, Head, Protocol, Side, Verdict, Voice } from "../protocol.ts";
import type { Stream } from "../stream.ts";
import { commandOf, common, subscriptions } from "./respcommands.ts";
import { decimal, field, text, word } from "./words.ts";

const nothing = new Uint8Array(0);

const longestLine = 64 * 1024;
const longestWord = 512;
/** words that are kept: of a command its name and key, behind a family's name its own; of an answer what was pushed, where */
const mostWords = 2;
const mostOfFamily = 3;
const mostElements = 2 ** 31;
const port = 6379;
const pushes = /^[ps]?message$/i;
const start = /^\*[1-9]\d{0,6}\r\n\$\d{1,3}\r\n([A-Za-z][A-Za-z.]{1,20})\r\n/;
const typed = /^([A-Za-z]{3,20})(?: [\x20-\x7e]*)?\r?\n/;
const typedSoFar = /^[A-Za-z]{1,20}(?: [\x20-\x7e]*)?\r?$/;
const startSoFar =
  /^\*(?:[1-9]\d{0,6}(?:\r(?:\n(?:\$(?:\d{1,3}(?:\r(?:\n(?:[A-Za-z][A-Za-z.]{0,20}\r?)?)?)?)?)?)?)?)?$/;
const lists = ["*", "%", "~", ">", "|"];
const bulks = ["$", "!", "="];

/** What a line is by the byte that it begins with. */
interface Type {
  readonly sign: string;
  readonly isList: boolean;
  readonly isBulk: boolean;
}

/** by that byte */
const types: (Type | undefined)[] = [];
for (const sign of [...lists, ...bulks, ..."+-:_#,("]) {
  types[sign.charCodeAt(0)] = { sign, isList: lists.includes(sign), isBulk: bulks.includes(sign) };
}

const nil = text("nil");
const bulkText = text("text");

/** A value that is being read, at any depth. */
class RespReading {
  /** values that have not been read yet */
  left = 1;
  /** the first byte and the rest of the line of the outermost value; empty at the beginning of one */
  type = "";
  line: Uint8Array = new Uint8Array(0);
  words: Uint8Array[] = [];
  /** as many of them are kept */
  wanted = mostWords;
  elements = 0;
  isLost = false;

  begin(): void {
    this.left = 1;
    this.type = "";
    if (this.words.length > 0) this.words = [];
    this.wanted = mostWords;
    this.elements = 0;
  }
}

class RespDialogue implements Dialogue {
  readonly #readings = [new RespReading(), new RespReading()] as const;
  /** answers to subscriptions that have not come yet */
  #confirmations = 0;
  #isMonitoring = false;

  constructor(
    private readonly voice: Voice,
    private readonly asks: Side,
  ) {}

  lost(side: Side): void {
    this.#readings[side].isLost = true;
  }

  step(stream: Stream, side: Side): boolean {
    const reading = this.#readings[side];
    if (reading.left === 0) {
      const said = side === this.asks ? this.#command(reading) : this.#answer(reading);
      reading.begin();
      this.voice.say(side, said);
      return true;
    }
    const end = stream.line();
    if (end < 0) {
      if (stream.left <= longestLine) return false;
      stream.take(1);
      reading.isLost = true;
      return true;
    }
    const { bytes, at } = stream;
    const last = end - 2 >= at && bytes[end - 2] === 0x0d ? end - 2 : end - 1;
    if (reading.isLost) return this.#search(stream, side, reading, end);
    if (last === at) {
      stream.take(end - at);
      if (reading.type === "" && stream.count === end - at) stream.begin(); // an empty line is no message
      return true;
    }
    return this.#line(stream, side, reading, last, end);
  }

  /** One line: a value, or how long it is. */
  #line(stream: Stream, side: Side, reading: RespReading, last: number, end: number): boolean {
    const { bytes, at } = stream;
    const found = types[bytes[at] as number];
    const isFirst = reading.type === "";
    if (isFirst) reading.line = word(bytes, at + 1, last);
    if (found === undefined) {
      if (isFirst && side === this.asks) return inline(stream, reading, last, end);
      return astray(stream, reading);
    }
    const { sign: type, isList, isBulk } = found;
    const length = isList || isBulk ? lengthOf(bytes, at + 1, last) : 0;
    if (length === null) return astray(stream, reading);
    if (isFirst && side !== this.asks && (type === "$" || type === "=")) reading.wanted = 0; // a value, not a word
    if (isBulk && length >= 0 && reading.words.length < reading.wanted) {
      const seen = stream.frame(end - at + length + 2, end - at + Math.min(length, longestWord));
      if (seen < 0) return false;
      const from = Math.min(at + seen, end);
      reading.words.push(word(bytes, from, Math.min(at + seen, end + Math.min(length, longestWord))));
      if (reading.words.length === 1 && side === this.asks && commandOf(reading.words[0]!).isFamily)
        reading.wanted = mostOfFamily;
    } else if (!isList && !isBulk && !isFirst && reading.words.length < reading.wanted) {
      reading.words.push(word(bytes, at + 1, last));
    }
    if (isFirst) {
      reading.type = type;
      reading.elements = isList ? length : 0;
    }
    reading.left -= type === "|" ? 0 : 1; // attributes stand before a value
    if (isList && length > 0) reading.left += type === "%" || type === "|" ? 2 * length : length;
    if (type === "|" && isFirst) reading.type = "";
    if (isBulk && length >= 0) stream.skip(end - at + length + 2);
    else stream.take(end - at);
    return true;
  }

  /** Lines are passed over up to one that may begin a message. */
  #search(stream: Stream, side: Side, reading: RespReading, end: number): boolean {
    const line = latin1(stream.bytes.subarray(stream.at, Math.min(end, stream.at + 64)));
    const isStart =
      side === this.asks ? /^\*[1-9]\d{0,6}\r\n$/.test(line) : /^[+\-:*$][^\r\n]*\r\n$/.test(line);
    if (!isStart) {
      stream.take(end - stream.at);
      return true;
    }
    if (stream.count > 0) this.voice.say(side, { kind: "undecoded" });
    reading.isLost = false;
    reading.begin();
    return true;
  }

  #command({ words, elements }: RespReading): Said {
    const first = words[0] ?? nothing;
    const { name, isFamily, isSecret, isSubscription, isMonitor } = commandOf(first);
    const hasFamily = isFamily && words.length > 1;
    const key = words[hasFamily ? 2 : 1];
    if (isSubscription) this.#confirmations += Math.max(1, elements - 1);
    if (isMonitor) this.#isMonitoring = true;
    const whole = hasFamily ? text(`${latin1(first)} ${latin1(words[1]!)}`.toUpperCase()) : name;
    return key === undefined || isSecret
      ? { kind: "request", name: whole }
      : { kind: "request", name: whole, fields: [field("key", key)] };
  }

  #answer({ type, line, words, elements }: RespReading): Said {
    if (type === "$") return { kind: "response", status: isNothing(line) ? nil : bulkText };
    if (type === "-" || type === "!") {
      const whole = type === "-" ? line : (words[0] ?? line);
      const gap = whole.indexOf(0x20);
      const status = gap < 0 ? whole : whole.subarray(0, gap);
      const fields = gap < 0 ? [] : [field("reason", whole.subarray(gap + 1))];
      return { kind: "error", status, isError: true, fields };
    }
    if (type === "+") {
      const isSeen = this.#isMonitoring && /^\d+\.\d+ \[/.test(latin1(line));
      return isSeen ? { kind: "notification", name: text("MONITOR") } : { kind: "response", status: line };
    }
    if (type === "*" || type === ">") {
      const first = latin1(words[0] ?? nothing);
      if (subscriptions.test(first)) {
        this.#confirmations = Math.max(0, this.#confirmations - 1);
        // what is confirmed one by one was asked for at once
        const continues = this.#confirmations > 0;
        return { kind: "response", status: text(first), continues, fields: channelOf(words) };
      }
      if (type === ">" || (pushes.test(first) && elements >= 3))
        return { kind: "notification", name: text(first), fields: channelOf(words) };
    }
    return { kind: "response", status: statusOf(type, line, elements) };
  }
}

function isNothing(line: Uint8Array): boolean {
  return line[0] === 0x2d;
}

function channelOf(words: readonly Uint8Array[]): Detail[] {
  return words[1] === undefined ? [] : [field("channel", words[1])];
}

function statusOf(type: string, line: Uint8Array, elements: number): Word {
  const rest = latin1(line);
  if (type === ":" && Number.isSafeInteger(Number(rest))) return Number(rest);
  if (type === "_" || rest === "-1") return nil;
  if ("*~%>".includes(type))
    return text(`${type === "%" ? "map" : type === "~" ? "set" : "list"} of ${elements}`);
  return type === "=" ? bulkText : line;
}

/** -1 for nothing; null when it is no length */
function lengthOf(bytes: Uint8Array, from: number, to: number): number | null {
  if (bytes[from] === 0x2d) return to === from + 2 && bytes[from + 1] === 0x31 ? -1 : null;
  const length = decimal(bytes, from, to);
  return length >= 0 && length < mostElements ? length : null;
}

/** A command of words with spaces between them, as people type it. */
function inline(stream: Stream, reading: RespReading, last: number, end: number): boolean {
  const { bytes, at } = stream;
  const line = latin1(bytes.subarray(at, Math.min(last, at + longestWord)));
  if (!/^[A-Za-z][\x20-\x7e]*$/.test(line)) return astray(stream, reading);
  reading.words = line.split(" ", mostOfFamily).map(text);
  reading.type = "*";
  reading.left = 0;
  stream.take(end - at);
  return true;
}

function astray(stream: Stream, reading: RespReading): true {
  stream.take(1);
  reading.isLost = true;
  return true;
}

function detect(head: Head): Verdict {
  const line = latin1(head.bytes.subarray(0, 64));
  const isThere = head.port === port || /redis|valkey/.test(head.path);
  const command = start.exec(line)?.[1]?.toUpperCase();
  if (command !== undefined) return common.has(command) || isThere ? "asks" : "no";
  // what people type has no more than that to be told by
  const typedWord = isThere ? typed.exec(line)?.[1]?.toUpperCase() : undefined;
  if (typedWord !== undefined && common.has(typedWord)) return "asks";
  return startSoFar.test(line) || (isThere && typedSoFar.test(line)) ? "maybe" : "no";
}

export const resp: Protocol = {
  name: "resp",
  kinds: ["unix-stream", "loopback-tcp"],
  detect,
  open: (voice, asks) => new RespDialogue(voice, asks),
};
