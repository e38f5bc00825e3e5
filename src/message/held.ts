/** The first events of a direction, until it is known whose they are: then a decoder has them, or they are printed. */
import { latin1 } from "../bytes/latin1.ts";
import type { Event } from "../event.ts";
import { secondsOf } from "./alarms.ts";
import type { MessagePlace } from "./place.ts";
import type { Protocol } from "./protocol.ts";
import { snapshot } from "./snapshot.ts";
import type { Pool } from "./stream.ts";

/** what may be held: bytes, events, seconds */
const mostBytes = 64 * 1024;
const mostEvents = 4096;
const longest = 0.2;
/** from here on detectors look again only when there is a good deal more, or something may have ended */
const few = 256;
const more = 1.25;
const ends: readonly number[] = [0x00, 0x0a, 0x7d];

const nothing = new Uint8Array(0);

export type Found = { readonly protocol: Protocol; readonly asks: boolean } | "held" | "nobody";

export class Held {
  /** when they are given up, in seconds since the epoch */
  due = 0;
  #events: Event[] = [];
  #bytes: Uint8Array = nothing;
  #length = 0;
  #tried = 0;

  constructor(private readonly pool: Pool) {}

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  /** Whose the event is, with those before it. One that is "held" is kept here, others are the caller's. */
  add(event: Event, place: MessagePlace, protocols: readonly Protocol[]): Found {
    const { contents, countLow, countHigh } = event;
    if (contents === null || contents.length === 0) return "nobody";
    const isCut = countHigh > 0 || contents.length < countLow;
    const piece = contents.bytes.subarray(contents.start, contents.start + contents.length);
    if (this.isEmpty) this.#tried = 0;
    else if (!this.#append(piece)) return "nobody";
    const bytes = this.isEmpty ? piece : this.#bytes.subarray(0, this.#length);
    if (this.#isWorthwhile(bytes)) {
      const found = detect(bytes, event, place, protocols);
      if (found !== "held") return found;
      this.#tried = bytes.length;
    }
    if (isCut || bytes.length > mostBytes || this.#events.length >= mostEvents) return "nobody";
    if (this.isEmpty) {
      if (!this.#append(piece)) return "nobody";
      this.due = secondsOf(event.time) + longest;
    }
    this.#events.push(snapshot(event));
    return "held";
  }

  /** All of them, which are the caller's now. */
  take(): readonly Event[] {
    const events = this.#events;
    this.#events = [];
    this.pool.give(this.#bytes.length);
    this.#bytes = nothing;
    this.#length = 0;
    return events;
  }

  #isWorthwhile(bytes: Uint8Array): boolean {
    const { length } = bytes;
    return length < few || length >= this.#tried * more || ends.includes(bytes[length - 1]!);
  }

  #append(piece: Uint8Array): boolean {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) {
      const size = Math.max(few, 2 ** Math.ceil(Math.log2(length)));
      if (size > 2 * mostBytes || !this.pool.take(size - this.#bytes.length)) return false;
      const larger = new Uint8Array(size);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
    return true;
  }
}

function detect(bytes: Uint8Array, event: Event, place: MessagePlace, protocols: readonly Protocol[]): Found {
  const head = { bytes, path: place.name === null ? "" : latin1(place.name), port: place.port };
  let found: Found = "nobody";
  for (const protocol of protocols) {
    if (!protocol.kinds.includes(event.kind)) continue;
    const verdict = protocol.detect?.(head) ?? "no";
    if (verdict === "asks" || verdict === "answers") return { protocol, asks: verdict === "asks" };
    if (verdict === "maybe") found = "held";
  }
  return found;
}
