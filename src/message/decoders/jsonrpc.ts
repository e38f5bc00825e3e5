/**
 * JSON-RPC 2.0: one object a line, as the Model Context Protocol has it over stdio, or with a Content-Length header, as
 * language servers have it. Batches are not decoded.
 */
import { latin1 } from "../../bytes/latin1.ts";
import type { Detail, Said } from "../message.ts";
import type { Dialogue, Head, Protocol, Side, Verdict, Voice } from "../protocol.ts";
import type { Stream } from "../stream.ts";
import { goesOn, isNone, JsonSkimmer } from "./jsonskim.ts";
import { field, ok, text } from "./words.ts";

const newline = 0x0a;
const openObject = 0x7b;
const longestHeader = 1024;
const lengthHeader = /^content-length: *(\d{1,9})\r?\n/i;
const otherHeader = /^content-type:[^\r\n]*\r?\n/i;
const headerName = "content-length:";
const emptyLine = /^\r?\n/;
const wanted = [
  ...["jsonrpc", "id", "method", "result", "error", "params"],
  ...["error.code", "error.message", "params.name"],
];

/** line: at the beginning of one; behind: up to the end of a line whose object was read */
type State = "line" | "object" | "behind" | "header" | "body" | "lost";

class JsonReading {
  state: State = "line";
  readonly json = new JsonSkimmer(wanted);
  said: Said | null = null;
  /** of a body with a header: what has not been read yet */
  left = 0;
  isEnded = false;
  isLines = true;
}

class JsonRpcDialogue implements Dialogue {
  readonly #readings = [new JsonReading(), new JsonReading()] as const;

  constructor(private readonly voice: Voice) {}

  lost(side: Side): void {
    this.#readings[side].state = "lost";
  }

  step(stream: Stream, side: Side): boolean {
    const reading = this.#readings[side];
    if (stream.left === 0) return false;
    switch (reading.state) {
      case "line":
        return this.#begin(stream, side, reading);
      case "object":
        return this.#object(stream, reading);
      case "behind":
      case "lost":
        return this.#rest(stream, side, reading);
      case "header":
        return this.#header(stream, side, reading);
      case "body":
        return this.#body(stream, side, reading);
    }
  }

  #begin(stream: Stream, side: Side, reading: JsonReading): boolean {
    const byte = stream.bytes[stream.at] as number;
    reading.said = null;
    if (isBlank(byte)) {
      stream.take(1);
      if (stream.count === 1) stream.begin(); // an empty line is no message
      return true;
    }
    if (byte === openObject) {
      reading.json.begin();
      reading.isLines = true;
      reading.state = "object";
    } else if ((byte | 0x20) === 0x63) {
      reading.left = -1;
      reading.state = "header";
    } else {
      reading.state = "lost";
      return this.#rest(stream, side, reading);
    }
    return true;
  }

  #object(stream: Stream, reading: JsonReading): boolean {
    const { json } = reading;
    const end = json.read(stream.bytes, stream.at, stream.end);
    if (end === isNone) {
      reading.state = "lost";
      return true;
    }
    stream.take((end === goesOn ? stream.end : end) - stream.at);
    if (end === goesOn) return false;
    reading.said = saidBy(json);
    reading.state = "behind";
    return true;
  }

  /** Up to the end of a line: it is of the object before it, or of nothing that is known. */
  #rest(stream: Stream, side: Side, reading: JsonReading): boolean {
    if (!reading.isLines && reading.state === "lost") return this.#search(stream, side, reading);
    const end = stream.line();
    stream.take((end < 0 ? stream.end : end) - stream.at);
    if (end < 0) return false;
    this.voice.say(side, reading.said ?? { kind: "undecoded" });
    reading.state = "line";
    return true;
  }

  /** The next header. */
  #search(stream: Stream, side: Side, reading: JsonReading): boolean {
    const window = latin1(stream.bytes.subarray(stream.at, stream.end));
    const found = /content-length: *\d/i.exec(window);
    if (found === null) {
      stream.take(Math.max(0, window.length - headerName.length - 8));
      return false;
    }
    stream.take(found.index);
    if (stream.count > 0) this.voice.say(side, { kind: "undecoded" });
    reading.state = "line";
    return true;
  }

  #header(stream: Stream, side: Side, reading: JsonReading): boolean {
    const end = stream.line();
    if (end < 0) {
      if (stream.left < longestHeader) return false;
      stream.take(1); // so that it is not looked at again
      reading.state = "lost";
      return true;
    }
    const line = latin1(stream.bytes.subarray(stream.at, Math.min(end, stream.at + longestHeader)));
    const length = lengthHeader.exec(line)?.[1];
    if (length !== undefined) reading.left = Number(length);
    else if (emptyLine.test(line) && reading.left >= 0) {
      reading.json.begin();
      reading.isEnded = false;
      reading.isLines = false;
      reading.state = "body";
    } else if (!otherHeader.test(line)) {
      stream.take(1);
      reading.state = "lost";
      return true;
    }
    stream.take(end - stream.at);
    return reading.state !== "body" || reading.left > 0 || this.#bodyEnds(side, reading);
  }

  #body(stream: Stream, side: Side, reading: JsonReading): boolean {
    const there = Math.min(stream.left, reading.left);
    if (!reading.isEnded) {
      const end = reading.json.read(stream.bytes, stream.at, stream.at + there);
      reading.isEnded = end !== goesOn;
      if (end >= 0) reading.said = saidBy(reading.json);
    }
    stream.take(there);
    reading.left -= there;
    return reading.left > 0 ? false : this.#bodyEnds(side, reading);
  }

  #bodyEnds(side: Side, reading: JsonReading): true {
    this.voice.say(side, reading.said ?? { kind: "undecoded" });
    reading.state = "line";
    return true;
  }
}

function isBlank(byte: number): boolean {
  return byte === newline || byte === 0x20 || byte === 0x0d || byte === 0x09;
}

/** null when it is no message of JSON-RPC */
function saidBy(json: JsonSkimmer): Said | null {
  const { values } = json;
  const id = values.get("id");
  const hasId = id !== undefined && json.text("id") !== "null";
  const none: readonly Detail[] = [];
  const method = values.get("method");
  if (method !== undefined) {
    const name = typeof method === "number" ? text(`${method}`) : method;
    const tool = values.get("params.name");
    const fields = tool !== undefined && json.text("method") === "tools/call" ? [field("tool", tool)] : none;
    return hasId ? { kind: "request", name, id, fields } : { kind: "notification", name, fields };
  }
  if (values.has("error") && json.text("error") !== "null") {
    const code = values.get("error.code");
    const reason = values.get("error.message");
    const fields: Detail[] = reason === undefined ? [] : [field("reason", reason)];
    const status = code ?? text("error");
    return hasId
      ? { kind: "error", id, status, isError: true, fields }
      : { kind: "error", status, isError: true, fields };
  }
  if (!values.has("result")) return null;
  return hasId ? { kind: "response", id, status: ok } : { kind: "response", status: ok };
}

function detect({ bytes }: Head): Verdict {
  let at = 0;
  while (at < bytes.length && isBlank(bytes[at] as number)) at++;
  if (at === bytes.length) return "no";
  if (bytes[at] !== openObject) {
    const line = latin1(bytes.subarray(at, at + longestHeader));
    if (lengthHeader.test(line)) return "asks";
    const start = line.toLowerCase();
    if (/[\n]/.test(start)) return "no";
    return headerName.startsWith(start) || /^content-length: *\d*\r?$/.test(start) ? "maybe" : "no";
  }
  const json = new JsonSkimmer(wanted);
  const end = json.read(bytes, at, bytes.length);
  if (end === isNone) return "no";
  if (json.text("jsonrpc") === "2.0") return "asks";
  return end === goesOn ? "maybe" : "no";
}

export const jsonrpc: Protocol = {
  name: "jsonrpc",
  kinds: ["pipe", "unix-stream", "loopback-tcp"],
  isApart: true,
  detect,
  open: (voice) => new JsonRpcDialogue(voice),
};
