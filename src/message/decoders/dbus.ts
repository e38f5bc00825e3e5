/**
 * D-Bus: the lines of authentication, then binary messages. A call that the daemon passes on is a message on both
 * connections. What we need is the header; a library would build the arguments, too.
 */
import { latin1 } from "../../bytes/latin1.ts";
import { FramedDialogue } from "../framed.ts";
import type { Detail, Said } from "../message.ts";
import { type Head, otherSide, type Protocol, type Side, type Verdict } from "../protocol.ts";
import type { Stream } from "../stream.ts";
import { field, ok, text, word } from "./words.ts";

const fixed = 16;
/** of a header that is looked at, and of a message, as the specification has it */
const mostHeader = 16 * 1024;
const mostFields = 64 * 1024 * 1024;
const mostMessage = 128 * 1024 * 1024;
const longestLine = 16 * 1024;
const noReply = 1;
const colon = 0x3a;
const little = 0x6c;
const big = 0x42;

const Type = { CALL: 1, ANSWER: 2, ERROR: 3, SIGNAL: 4 } as const;

/** Codes of header fields that are texts. */
const names: readonly (string | null)[] = [
  ...[null, "path", "interface", "member", "error", null, "destination", "sender", "signature"],
];
const replySerial = 5;
const signatureCode = 8;

/** What a header says. */
class Header {
  type = 0;
  flags = 0;
  serial = 0;
  reply = 0;
  length = 0;
  headerLength = 0;
  readonly texts = new Map<string, Uint8Array>();
}

class DbusDialogue extends FramedDialogue {
  readonly #header = new Header();
  /** the unique name of the client, once the daemon has sent something to it */
  #own: Uint8Array | null = null;
  /** whether the client gets copies of everything, which nobody answers */
  #isMonitor = false;

  protected read(stream: Stream, side: Side): boolean {
    if (this.isLost[side]) return this.#search(stream, side);
    const { bytes, at, left } = stream;
    if (left < 2) return left === 1 && bytes[at] === 0 && side === this.asks && takeNul(stream);
    if (!isStart(bytes, at, stream.end)) return this.#line(stream, side);
    if (left < fixed) return false;
    const header = this.#header;
    if (!measure(bytes, at, header)) return this.pass(stream, side);
    const seen = stream.frame(header.length, Math.min(header.headerLength, mostHeader));
    if (seen < 0) return false;
    readFields(bytes, at, at + seen, header);
    return this.take(stream, side, header.length, this.#saidBy(header, side));
  }

  /** A line of authentication. */
  #line(stream: Stream, side: Side): boolean {
    const first = stream.bytes[stream.at] as number;
    if (first === 0) return takeNul(stream);
    const end = stream.line();
    const isCommand = first >= 0x41 && first <= 0x5a;
    if (end < 0 && isCommand && stream.left <= longestLine) return false;
    if (end < 0 || !isCommand) {
      this.isLost[side] = true;
      return true;
    }
    const line = latin1(stream.bytes.subarray(stream.at, Math.min(end, stream.at + 256))).trimEnd();
    if (!/^[A-Z_]{2,20}(?: |$)/.test(line)) {
      this.isLost[side] = true;
      return true;
    }
    stream.take(end - stream.at);
    const [command = "", mechanism = ""] = line.split(" ");
    // whatever else stands there is who it is, or a secret
    const name = text(command === "AUTH" ? `${command} ${mechanism}`.trimEnd() : command);
    if (side === this.asks)
      this.voice.say(side, { kind: command === "BEGIN" ? "notification" : "request", name });
    else if (command === "REJECTED" || command === "ERROR")
      this.voice.say(side, { kind: "error", status: name, isError: true });
    else this.voice.say(side, { kind: "response", status: name });
    return true;
  }

  /** The next header in the midst of something. */
  #search(stream: Stream, side: Side): boolean {
    const header = this.#header;
    while (stream.left >= fixed) {
      if (isStart(stream.bytes, stream.at, stream.end) && measure(stream.bytes, stream.at, header)) {
        this.found(stream, side);
        return true;
      }
      stream.take(1);
    }
    return false;
  }

  /** The process behind a unique name. Whom the daemon sends to has the name that stands as the destination. */
  #speaker(texts: Header["texts"], side: Side): Detail[] {
    if (side === this.asks) return this.#listener(texts);
    const daemon = this.#daemon;
    const receiver = this.voice.process(this.asks);
    const [sender, destination] = [texts.get("sender"), texts.get("destination")];
    if (destination?.[0] === colon && !this.#isMonitor) {
      this.#own = destination;
      if (receiver !== null) this.voice.names.set(nameOn(daemon, destination), receiver);
    }
    const known = sender?.[0] === colon ? this.voice.names.get(nameOn(daemon, sender)) : undefined;
    if (known === undefined) return [];
    return [field("sender_pid", known.pid), field("sender_comm", known.comm ?? "<unknown>")];
  }

  /** The process that a client means by a unique name, which is never another's. */
  #listener(texts: Header["texts"]): Detail[] {
    const destination = texts.get("destination");
    const known =
      destination?.[0] === colon ? this.voice.names.get(nameOn(this.#daemon, destination)) : undefined;
    if (known === undefined) return [];
    return [field("destination_pid", known.pid), field("destination_comm", known.comm ?? "<unknown>")];
  }

  get #daemon(): number {
    return this.voice.process(otherSide(this.asks))?.pid ?? -1;
  }

  /**
   * What a call and its answer are on both connections, the caller's and that of the service which the daemon passes
   * it on to: the caller's name and the call's serial. Null while that name is not known.
   */
  #conversation({ type, serial, reply, texts }: Header, side: Side): Uint8Array | null {
    const isAnswer = type === Type.ANSWER || type === Type.ERROR;
    const caller = isAnswer ? texts.get("destination") : side === this.asks ? this.#own : texts.get("sender");
    return caller?.[0] === colon ? text(`${latin1(caller)}/${isAnswer ? reply : serial}`) : null;
  }

  /** Whether it was told of on the connection where it began, as far as that is remembered. */
  #isRepeated({ type }: Header, side: Side, conversation: Uint8Array | null): boolean {
    if (conversation === null) return false;
    const key = nameOn(this.#daemon, conversation);
    const isAnswer = type === Type.ANSWER || type === Type.ERROR;
    const isCopy = this.#isMonitor && side !== this.asks;
    if (isCopy || isAnswer === (side === this.asks)) return this.voice.names.hasMet(key);
    if (side === this.asks) this.voice.names.meet(key);
    return false;
  }

  #saidBy(header: Header, side: Side): Said {
    const { type, flags, serial, reply, texts } = header;
    const own = (...wanted: string[]): Detail[] =>
      wanted.flatMap((name) => {
        const value = texts.get(name);
        return value === undefined ? [] : [field(name, value)];
      });
    const member = latin1(texts.get("member") ?? new Uint8Array(0));
    const face = texts.get("interface");
    const name = text(face === undefined ? member : `${latin1(face)}.${member}`);
    const who = this.#speaker(texts, side);
    const conversation = this.#conversation(header, side);
    const isRepeated = this.#isRepeated(header, side, conversation);
    const way = [
      ...(conversation === null ? [] : [field("conversation", conversation)]),
      ...(isRepeated ? [field("hop", 2)] : []),
    ];
    const all = [
      ...own("sender"),
      ...who,
      ...own("destination", "path", "interface", "member", "signature"),
      ...way,
    ];
    // the daemon passes on calls of many senders, whose serials are their own
    const isPassed = (type === Type.CALL) !== (side === this.asks);
    const partner = latin1(texts.get(type === Type.CALL ? "sender" : "destination") ?? new Uint8Array(0));
    const number = type === Type.CALL ? serial : reply;
    const pairing = isPassed ? `${number} ${partner}` : `${number}`;
    if (type === Type.CALL) {
      if (side === this.asks && member === "BecomeMonitor") this.#isMonitor = true;
      const isOneWay = (flags & noReply) !== 0 || (this.#isMonitor && side !== this.asks);
      return { kind: "request", name, id: serial, pairing, fields: all, isOneWay, isRepeated };
    }
    if (type === Type.SIGNAL) return { kind: "notification", name, id: serial, fields: all, isRepeated };
    const fields = [
      field("serial", serial),
      ...own("sender"),
      ...who,
      ...own("destination", "signature"),
      ...way,
    ];
    return type === Type.ERROR
      ? {
          kind: "error",
          id: reply,
          pairing,
          status: texts.get("error") ?? text("error"),
          fields,
          isError: true,
          isRepeated,
        }
      : { kind: "response", id: reply, pairing, status: ok, fields, isRepeated };
  }
}

/** The key of a connection's name: each daemon has its own. */
function nameOn(daemon: number, name: Uint8Array): string {
  return `dbus ${daemon} ${latin1(name)}`;
}

/** The byte that carries credentials before all else. */
function takeNul(stream: Stream): true {
  stream.take(1);
  return true;
}

/** Byte order, type, flags and version, as far as they are there. */
function isStart(bytes: Uint8Array, at: number, end: number): boolean {
  const order = bytes[at];
  const type = bytes[at + 1] as number;
  if ((order !== little && order !== big) || type < Type.CALL || type > Type.SIGNAL) return false;
  if (at + 3 < end && bytes[at + 3] !== 1) return false;
  return at + 2 >= end || (bytes[at + 2] as number) < 8;
}

/** Reads the fixed part of a header; false when its lengths can't be. */
function measure(bytes: Uint8Array, at: number, header: Header): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, fixed);
  const isLittle = bytes[at] === little;
  const body = view.getUint32(4, isLittle);
  const fields = view.getUint32(12, isLittle);
  header.type = bytes[at + 1] as number;
  header.flags = bytes[at + 2] as number;
  header.serial = view.getUint32(8, isLittle);
  header.headerLength = fixed + Math.ceil(fields / 8) * 8;
  header.length = header.headerLength + body;
  return header.serial !== 0 && fields <= mostFields && header.length <= mostMessage;
}

/** Reads the fields, as far as they can be seen. */
function readFields(bytes: Uint8Array, start: number, end: number, header: Header): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const isLittle = bytes[start] === little;
  header.texts.clear();
  header.reply = 0;
  const last = Math.min(end - start, fixed + (end - start >= fixed ? view.getUint32(12, isLittle) : 0));
  // each is a code, a signature of one letter with its length and NUL, and a value
  for (let at = fixed; at + 5 <= last; at = Math.ceil(at / 8) * 8) {
    const code = view.getUint8(at);
    const letter = view.getUint8(at + 2);
    if (view.getUint8(at + 1) !== 1) return;
    at += 4;
    if (letter === 0x75) {
      if (at + 4 > last) return;
      if (code === replySerial) header.reply = view.getUint32(at, isLittle);
      at += 4;
      continue;
    }
    const isSignature = letter === 0x67;
    if (!isSignature && at + 4 > last) return;
    const length = isSignature ? view.getUint8(at) : view.getUint32(at, isLittle);
    at += isSignature ? 1 : 4;
    if (length > last - at) return;
    const name = names[code];
    if (name !== null && name !== undefined && isSignature === (code === signatureCode))
      header.texts.set(name, word(bytes, start + at, start + at + length));
    at += length + 1;
  }
}

function detect({ bytes, path }: Head): Verdict {
  if (bytes[0] === 0) {
    const line = latin1(bytes.subarray(1, 6));
    if (line === "") return /bus/.test(path) ? "maybe" : "no";
    return /^AUTH[ \r\n]/.test(line) ? "asks" : "AUTH".startsWith(line) ? "maybe" : "no";
  }
  if (!isStart(bytes, 0, bytes.length)) return "no";
  if (bytes.length < fixed) return bytes.length < 4 && !/bus/.test(path) ? "no" : "maybe";
  const header = new Header();
  if (!measure(bytes, 0, header)) return "no";
  if (bytes.length < Math.min(header.headerLength, mostHeader)) return "maybe";
  readFields(bytes, 0, Math.min(header.headerLength, bytes.length), header);
  const isCall = header.type === Type.CALL && header.texts.has("member") && header.texts.has("path");
  const isOther = header.reply > 0 || header.texts.has("interface");
  if (!isCall && !isOther) return "no";
  // only the daemon says who the sender is
  return header.texts.has("sender") ? "answers" : "asks";
}

export const dbus: Protocol = {
  name: "dbus",
  kinds: ["unix-stream", "loopback-tcp"],
  detect,
  open: (voice, asks) => new DbusDialogue(voice, asks),
};
