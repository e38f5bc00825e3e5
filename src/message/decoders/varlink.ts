/** Varlink: JSON objects, each with a NUL behind it. Answers come in the order of the calls. */
import { latin1 } from "../../bytes/latin1.ts";
import type { Said } from "../message.ts";
import type { Dialogue, Head, Protocol, Side, Verdict, Voice } from "../protocol.ts";
import type { Stream } from "../stream.ts";
import { goesOn, isNone, JsonSkimmer } from "./jsonskim.ts";
import { field, ok, text, word } from "./words.ts";

const nul = 0x00;
const openObject = 0x7b;
const wanted = [...["method", "parameters", "more", "oneway", "upgrade", "continues", "error"]];

class VarlinkDialogue implements Dialogue {
  readonly #objects = [new JsonSkimmer(wanted), new JsonSkimmer(wanted)] as const;
  readonly #states: ["start" | "object" | "end" | "lost", "start" | "object" | "end" | "lost"] = [
    "start",
    "start",
  ];

  constructor(
    private readonly voice: Voice,
    private readonly asks: Side,
  ) {}

  lost(side: Side): void {
    this.#states[side] = "lost";
  }

  step(stream: Stream, side: Side): boolean {
    if (stream.left === 0) return false;
    const json = this.#objects[side];
    const { bytes, at } = stream;
    switch (this.#states[side]) {
      case "start":
        json.begin();
        this.#states[side] = bytes[at] === openObject ? "object" : "lost";
        return true;
      case "object": {
        const end = json.read(bytes, at, stream.end);
        if (end === isNone) this.#states[side] = "lost";
        else stream.take((end === goesOn ? stream.end : end) - at);
        if (end >= 0) this.#states[side] = "end";
        return end !== goesOn;
      }
      case "end":
        if (bytes[at] !== nul) {
          this.#states[side] = "lost";
          return true;
        }
        stream.take(1);
        this.#states[side] = "start";
        this.voice.say(side, saidBy(json, side === this.asks));
        return true;
      case "lost": {
        const found = bytes.subarray(at, stream.end).indexOf(nul);
        stream.take(found < 0 ? stream.left : found + 1);
        if (found < 0) return false;
        this.voice.say(side, { kind: "undecoded" });
        this.#states[side] = "start";
        return true;
      }
    }
  }
}

function saidBy(json: JsonSkimmer, isCall: boolean): Said {
  const { values } = json;
  const is = (name: string) => json.text(name) === "true";
  const method = values.get("method");
  if (isCall && method instanceof Uint8Array) {
    const fields = is("more") ? [field("more", "true")] : [];
    const name = word(method, 0, method.length);
    return { kind: is("oneway") ? "notification" : "request", name, fields };
  }
  if (isCall) return { kind: "undecoded" };
  const error = values.get("error");
  if (error !== undefined) return { kind: "error", status: error, isError: true };
  return is("continues")
    ? { kind: "response", status: text("continues"), continues: true }
    : { kind: "response", status: ok };
}

function detect({ bytes }: Head): Verdict {
  if (bytes[0] !== openObject) return "no";
  const json = new JsonSkimmer(wanted);
  const end = json.read(bytes, 0, bytes.length);
  if (end === isNone) return "no";
  if (end === goesOn || end === bytes.length) return "maybe";
  if (bytes[end] !== nul) return "no";
  const method = json.values.get("method");
  if (method instanceof Uint8Array) return /^[\w-]+(\.[\w-]+)+$/.test(latin1(method)) ? "asks" : "no";
  return json.values.has("parameters") || json.values.has("error") ? "answers" : "no";
}

export const varlink: Protocol = {
  name: "varlink",
  kinds: ["unix-stream", "pipe", "loopback-tcp"],
  detect,
  open: (voice, asks) => new VarlinkDialogue(voice, asks),
};
