import type { Event } from "../event.ts";
import type { Format } from "../format/format.ts";
import type { MessageListener } from "../message/decoding.ts";
import type { Message } from "../message/message.ts";
import type { Sink } from "../sink.ts";

/** Gives events, and messages, to the format, until there were as many as -c asked for. */
export class Printer implements MessageListener {
  /** how many there were */
  printed = 0;

  /** @param most 0 for any number */
  constructor(
    private readonly format: Format,
    private readonly sink: Sink,
    private readonly most: number,
  ) {}

  event(event: Event): void {
    if (this.#isOver) return;
    this.format.event(event, this.sink.output);
    this.printed++;
  }

  message(message: Message): void {
    if (this.#isOver) return;
    this.format.message?.(message, this.sink.output);
    this.printed++;
  }

  get #isOver(): boolean {
    return this.printed === this.most && this.most > 0;
  }
}
