/**
 * HTTP/1.0 and 1.1: keep-alive, pipelining, bodies by length, in chunks and up to the end of the connection,
 * server-sent events, upgrades. Our own, for parsers for Node stop at what is malformed and want whole connections.
 */
import { latin1 } from "../../bytes/latin1.ts";
import type { Detail } from "../message.ts";
import { type Dialogue, otherSide, type Protocol, type Side, type Voice } from "../protocol.ts";
import type { Stream } from "../stream.ts";
import { EventLines } from "./eventstream.ts";
import { detect, first, firstLine, HttpReading, header, longestFirst, reasonOf } from "./httpheader.ts";
import { field, isWord, text } from "./words.ts";

const cr = 0x0d;
/** of a line, and of all lines of a header */
const longestLine = 64 * 1024;
const mostLines = 1000;

class HttpDialogue implements Dialogue {
  readonly #readings: readonly [HttpReading, HttpReading] = [new HttpReading(), new HttpReading()];

  constructor(private readonly voice: Voice) {}

  lost(side: Side): void {
    this.#readings[side].state = "lost";
  }

  step(stream: Stream, side: Side): boolean {
    const reading = this.#readings[side];
    switch (reading.state) {
      case "first":
      case "header":
      case "chunk":
      case "trailer":
        return this.#line(stream, side, reading);
      case "body":
      case "silence":
        return this.#say(side, reading);
      case "data":
        return this.#events(stream, side, reading);
      case "behind":
        reading.state = "chunk";
        return true;
      case "lost":
        return this.#search(stream, side, reading);
    }
  }

  quiet(stream: Stream, side: Side): void {
    const reading = this.#readings[side];
    if (reading.state !== "silence") return;
    stream.stopSkipping();
    this.#say(side, reading);
  }

  #line(stream: Stream, side: Side, reading: HttpReading): boolean {
    const end = stream.line();
    if (end < 0) {
      return stream.left > longestLine && this.#astray(stream, reading);
    }
    const { bytes, at } = stream;
    const last = end - 2 >= at && bytes[end - 2] === cr ? end - 2 : end - 1;
    if (reading.state === "first") {
      if (last > at && !first(bytes, at, end, last, reading)) return this.#astray(stream, reading);
      stream.take(end - at);
      return true;
    }
    stream.take(end - at);
    if (reading.state === "chunk") return chunk(bytes, at, last, stream, reading);
    if (++reading.lines > mostLines) reading.state = "lost";
    else if (last > at) header(bytes, at, last, reading);
    else if (reading.state === "trailer") return this.#trailed(stream, side, reading);
    else this.#headed(stream, side, reading);
    return true;
  }

  /** This is no message: one byte is passed over at least, so that it is not looked at again and again. */
  #astray(stream: Stream, reading: HttpReading): true {
    stream.take(1);
    reading.state = "lost";
    return true;
  }

  /** Behind the header: how the body ends. */
  #headed(stream: Stream, side: Side, reading: HttpReading): void {
    const { said, status, length, isChunked, type, upgrade } = reading;
    const isAnswer = said?.kind === "response";
    const fields: Detail[] = [];
    if (type !== null) fields.push(field("type", type));
    if (upgrade !== null) fields.push(field("upgrade", upgrade));
    if (fields.length > 0) reading.said = { ...(said ?? { kind: "undecoded" }), fields };
    if (isAnswer && status < 200 && status !== 101) {
      reading.said = { kind: "notification", name: text(`${status} ${reasonOf(status)}`), fields };
      this.#say(side, reading);
      return;
    }
    const asked = isAnswer ? this.voice.waiting(otherSide(side)) : null;
    const method = asked === null ? "" : latin1(asked, 0, Math.min(8, asked.length));
    if (isAnswer && (status === 101 || (method.startsWith("CONNECT ") && status < 300))) {
      this.#say(side, reading);
      this.voice.leave();
      return;
    }
    const hasNone = isAnswer && (method.startsWith("HEAD ") || status === 204 || status === 304);
    const isEvents = isAnswer && type?.length === 17 && isWord(type, 0, "text/event-stream");
    if (hasNone) {
      this.#say(side, reading);
    } else if (isEvents) {
      this.#say(side, reading);
      reading.events = new EventLines();
      reading.state = isChunked ? "chunk" : "data";
      reading.chunk = length >= 0 ? length : Number.POSITIVE_INFINITY;
    } else if (isChunked) {
      reading.state = "chunk";
    } else if (length > 0) {
      reading.state = "body";
      stream.skip(length);
    } else if (length < 0 && isAnswer) {
      reading.state = "silence";
      stream.skip(Number.POSITIVE_INFINITY);
    } else {
      this.#say(side, reading);
    }
  }

  #say(side: Side, reading: HttpReading): boolean {
    reading.state = "first";
    this.voice.say(side, reading.said ?? { kind: "undecoded" });
    return true;
  }

  /** Behind the last chunk. */
  #trailed(stream: Stream, side: Side, reading: HttpReading): boolean {
    if (reading.events === null) return this.#say(side, reading);
    reading.state = "first";
    stream.begin();
    return true;
  }

  /** A body of server-sent events, or a chunk of one. */
  #events(stream: Stream, side: Side, reading: HttpReading): boolean {
    const events = reading.events as EventLines;
    if (reading.chunk === 0) {
      reading.state = "first";
      if (reading.isChunked) {
        reading.state = "behind";
        stream.skip(2); // CRLF
      }
      return true;
    }
    const there = Math.min(stream.left, reading.chunk);
    if (there === 0) return false;
    const end = events.read(stream.bytes, stream.at, stream.at + there);
    const taken = end < 0 ? there : end - stream.at;
    stream.take(taken);
    reading.chunk -= taken;
    if (end >= 0) {
      const { name, id } = events;
      const said = { kind: "notification", name: text(name) } as const;
      this.voice.say(side, id === "" ? said : { ...said, id: text(id) });
    }
    return true;
  }

  /** In the midst of something: the next first line, wherever it is. */
  #search(stream: Stream, side: Side, reading: HttpReading): boolean {
    const window = latin1(stream.bytes.subarray(stream.at, stream.end));
    const found = firstLine.exec(window);
    if (found !== null) {
      stream.take(found.index);
      if (stream.count > 0) this.voice.say(side, { kind: "undecoded" });
      reading.state = "first";
      return true;
    }
    // its beginning may be there already
    const kept = Math.min(window.length, longestFirst);
    stream.take(window.length - kept);
    return false;
  }
}

/** The line with the length of the next chunk, in hexadecimal. */
function chunk(bytes: Uint8Array, at: number, last: number, stream: Stream, reading: HttpReading): boolean {
  const size = /^([\da-f]{1,8})(?:$|[;\s])/i.exec(latin1(bytes, at, Math.min(last, at + 64)))?.[1];
  if (size === undefined) {
    reading.state = "lost";
    return true;
  }
  const length = Number.parseInt(size, 16);
  if (length === 0) {
    reading.state = "trailer";
  } else if (reading.events === null) {
    stream.skip(length + 2); // and CRLF
  } else {
    reading.chunk = length;
    reading.state = "data";
  }
  return true;
}

export const http: Protocol = {
  name: "http",
  kinds: ["unix-stream", "loopback-tcp"],
  detect,
  open: (voice) => new HttpDialogue(voice),
};
