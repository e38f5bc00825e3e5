/**
 * PostgreSQL's protocol 3: startup, simple and extended queries, COPY, errors. A request is a query, or one step of
 * the extended protocol; its answer is all that the server sends for it. Libraries for it are clients.
 */
import { latin1 } from "../../bytes/latin1.ts";
import { FramedDialogue } from "../framed.ts";
import type { Detail, Said } from "../message.ts";
import { type Head, otherSide, type Protocol, type Side, type Verdict } from "../protocol.ts";
import type { Stream } from "../stream.ts";
import { Steps } from "./pgsqlsteps.ts";
import { clean, type ErrorFields, errorOf, header, int32, reasonOf, strings } from "./pgsqlwords.ts";
import { field, text } from "./words.ts";

const port = 5432;
const version3 = 3 << 16;
/** numbers in place of a version */
const cancel = 80_877_102;
const secure = [80_877_103, 80_877_104];
const mostStartup = 10_000;
/** of a message: what is looked at of it */
const mostSeen = 1280;

class PgsqlDialogue extends FramedDialogue {
  /** whether the client's first message, which has no type, is over */
  #isStarted = false;
  /** the server's single byte in answer to a request for encryption */
  #asksForSecrecy = 0;
  readonly #steps = new Steps();
  /** of the answer that is being read */
  #tags: string[] = [];
  #rows = 0;
  #error: ErrorFields | null = null;

  override lost(side: Side): void {
    super.lost(side);
    this.#isStarted = true;
    this.#forget();
  }

  protected read(stream: Stream, side: Side): boolean {
    if (this.isLost[side]) return this.#search(stream, side);
    const isClient = side === this.asks;
    const { bytes, at, left } = stream;
    if (left === 0) return false;
    if (isClient && !this.#isStarted && bytes[at] === 0) return this.#startup(stream, side);
    if (!isClient && this.#asksForSecrecy > 0) return this.#secrecy(stream, side);
    if (left < 5) return false;
    const length = header(bytes, at, isClient);
    if (length < 0) return this.pass(stream, side);
    const seen = stream.frame(length, mostSeen);
    if (seen < 0) return false;
    const type = String.fromCharCode(bytes[at] as number);
    const body = bytes.subarray(at + 5, at + Math.max(5, seen));
    const isAlone = stream.count === 0;
    const said = isClient ? this.#client(type, body) : this.#server(side, type, body, isAlone);
    return this.take(stream, side, length, said);
  }

  #startup(stream: Stream, side: Side): boolean {
    if (stream.left < 8) return false;
    const { bytes, at } = stream;
    const length = int32(bytes, at);
    const code = int32(bytes, at + 4);
    if (length < 8 || length > mostStartup) return this.pass(stream, side);
    const seen = stream.frame(length, mostStartup);
    if (seen < 0) return false;
    const body = bytes.subarray(at + 8, at + Math.max(8, seen));
    return this.take(stream, side, length, this.#begun(code, body));
  }

  /** What the client begins with: a request for encryption, for an end, or its user and database. */
  #begun(code: number, body: Uint8Array): Said {
    if (secure.includes(code)) {
      this.#asksForSecrecy++;
      return { kind: "request", name: text(code === secure[0] ? "ssl" : "gss encryption") };
    }
    if (code === cancel) return { kind: "notification", name: text("cancel") };
    this.#isStarted = true;
    const words = strings(body);
    const of = (name: string): Detail[] => {
      const found = words.findIndex((value, i) => i % 2 === 0 && latin1(value) === name);
      const value = found < 0 ? undefined : words[found + 1];
      return value === undefined ? [] : [field(name, value)];
    };
    return { kind: "request", name: text("startup"), fields: [...of("user"), ...of("database")] };
  }

  /** S or G: what follows is encrypted; N: go on without. */
  #secrecy(stream: Stream, side: Side): boolean {
    const byte = stream.bytes[stream.at] as number;
    stream.take(1);
    this.#asksForSecrecy--;
    this.voice.say(side, { kind: "response", status: text(String.fromCharCode(byte)) });
    if (byte === 0x53 || byte === 0x47) this.voice.leave();
    return true;
  }

  #client(type: string, body: Uint8Array): Said | "none" {
    switch (type) {
      case "Q":
        return { kind: "request", name: text(clean(body, 0)) };
      case "P":
      case "B":
      case "D":
      case "E":
      case "C":
        return { kind: "request", name: text(this.#steps.name(type, body)) };
      case "S":
        return { kind: "request", name: text("sync") };
      case "F":
        return { kind: "request", name: text("function call") };
      case "X":
        return { kind: "notification", name: text("terminate") };
      case "p":
        return { kind: "notification", name: text("password") };
      case "c":
        return { kind: "notification", name: text("copy done") };
      case "f":
        return { kind: "notification", name: text("copy failed") };
      default:
        return "none"; // copied data belongs to what ends it, a flush to what comes next
    }
  }

  /** @param isAlone whether it stands between two answers */
  #server(side: Side, type: string, body: Uint8Array, isAlone: boolean): Said | "none" {
    const asked = this.voice.waiting(otherSide(side));
    const step = asked === null ? "" : this.#steps.stepOf(latin1(asked));
    switch (type) {
      case "1":
      case "2":
      case "3":
      case "n":
        return type === "n" && step !== "describe" ? "none" : this.#answer("ok");
      case "T":
        return step === "describe" ? this.#answer("ok") : "none";
      case "D":
        this.#rows++;
        return "none";
      case "C":
      case "I":
      case "s":
        this.#tags.push(type === "C" ? clean(body, 0) : type === "I" ? "empty" : "suspended");
        return step === "execute" || this.#tags.length > 64 ? this.#answer(this.#tags.join("; ")) : "none";
      case "E":
        this.#error = errorOf(body);
        // nothing more comes of a step, or of a connection that ends
        return this.#error.isFatal || !["", "query", "sync"].includes(step) ? this.#answer("") : "none";
      case "Z":
        return this.#ready(side, step);
      case "N":
        return isAlone
          ? { kind: "notification", name: text("notice"), fields: reasonOf(errorOf(body)) }
          : "none";
      case "A": {
        const channel = strings(body.subarray(4))[0];
        if (!isAlone || channel === undefined) return "none";
        return { kind: "notification", name: text("notify"), fields: [field("channel", channel)] };
      }
      default:
        return "none";
    }
  }

  /** The server waits for the next query: what it skipped after an error has no answer. */
  #ready(side: Side, step: string): Said | "none" {
    const client = otherSide(side);
    for (let found = step; found !== "" && found !== "sync" && found !== "query" && found !== "startup"; ) {
      this.voice.skip(client);
      const next = this.voice.waiting(client);
      found = next === null ? "" : this.#steps.stepOf(latin1(next));
    }
    return this.#answer(this.#tags.length > 0 ? this.#tags.join("; ") : "ok");
  }

  #answer(status: string): Said {
    const error = this.#error;
    const rows = this.#rows > 0 ? [field("rows", this.#rows)] : [];
    this.#forget();
    if (error !== null)
      return { kind: "error", status: error.status, isError: true, fields: reasonOf(error) };
    return { kind: "response", status: text(status), fields: rows };
  }

  #forget(): void {
    this.#tags = [];
    this.#rows = 0;
    this.#error = null;
  }

  /** Bytes are passed over up to a whole header that can be one, with another behind it or the end of what is there. */
  #search(stream: Stream, side: Side): boolean {
    const isClient = side === this.asks;
    const { bytes } = stream;
    while (stream.left >= 5) {
      const length = header(bytes, stream.at, isClient);
      const next = stream.at + length;
      if (length > 0 && length < 65_536) {
        if (next + 5 > stream.end && stream.left < 65_536 + 5) {
          if (next !== stream.end) return false;
        }
        if (next === stream.end || header(bytes, next, isClient) > 0) {
          this.found(stream, side);
          return true;
        }
      }
      stream.take(1);
    }
    return false;
  }
}

function detect({ bytes, path, port: to }: Head): Verdict {
  const isKnown = to === port || /\.s\.PGSQL\./.test(path);
  if (bytes[0] === 0) {
    if (bytes.length < 8) return isKnown || bytes.length > 3 ? "maybe" : "no";
    const code = int32(bytes, 4);
    const length = int32(bytes, 0);
    if (code === cancel || secure.includes(code)) return length <= 16 + 256 && length >= 8 ? "asks" : "no";
    return (code & 0xffff_0000) === version3 && length >= 8 && length <= mostStartup ? "asks" : "no";
  }
  if (!isKnown || bytes.length < 5) return isKnown && bytes.length > 0 ? "maybe" : "no";
  const isClient = header(bytes, 0, true) > 0;
  const isServer = header(bytes, 0, false) > 0;
  if (isClient === isServer) return "no";
  return isClient ? "asks" : "answers";
}

export const pgsql: Protocol = {
  name: "pgsql",
  kinds: ["unix-stream", "loopback-tcp"],
  detect,
  open: (voice, asks) => new PgsqlDialogue(voice, asks),
};
