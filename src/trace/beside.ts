/** Formats that take in every event, such as maps: its messages are decoded beside that, for what they say. */
import type { Event, Lost, Time } from "../event.ts";
import type { Format } from "../format/format.ts";
import { type Choice, Decoding, type MessageListener } from "../message/decoding.ts";
import type { Message } from "../message/message.ts";
import type { Protocol } from "../message/protocol.ts";
import type { Sink } from "../sink.ts";
import type { Stage } from "./stage.ts";

export class Beside implements Stage {
  readonly #decoding: Decoding;

  /** @param listener is given the events, all of them, as one that prints them would be */
  constructor(
    private readonly listener: MessageListener,
    format: Format,
    sink: Sink,
    protocols: readonly Protocol[],
    choice: Choice,
  ) {
    this.#decoding = new Decoding(protocols, choice, {
      event: (event: Event) => format.rest?.(event, sink.output),
      message: (message: Message) => format.message?.(message, sink.output),
    });
  }

  /** Requests that were forgotten. */
  get forgotten(): number {
    return this.#decoding.forgotten;
  }

  event(event: Event): void {
    this.#decoding.event(event);
    this.listener.event(event);
  }

  lost(lost: Lost): void {
    this.#decoding.lost(lost);
  }

  tick(now: Time): void {
    this.#decoding.tick(now);
  }

  end(now: Time): void {
    this.#decoding.end(now);
  }
}
