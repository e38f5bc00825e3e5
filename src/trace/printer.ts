import type { Event } from "../event.ts";
import type { Format } from "../format/format.ts";
import type { MessageListener } from "../message/decoding.ts";
import type { Message } from "../message/message.ts";
import type { Sink } from "../sink.ts";

/** What Printer is to keep to. */
export interface PrintBounds {
  /** lines, 0 for any number */
  readonly count: number;
  /** bytes of contents shown of an event, 0 for all */
  readonly shownBytes: number;
}

/** Gives events, and messages, to the format, until there were as many as -c asked for. */
export class Printer implements MessageListener {
  /** how many there were */
  printed = 0;

  constructor(
    private readonly format: Format,
    private readonly sink: Sink,
    private readonly bounds: PrintBounds,
  ) {}

  event(event: Event): void {
    if (this.#isOver) return;
    this.#cut(event);
    this.format.event(event, this.sink.output);
    this.printed++;
  }

  message(message: Message): void {
    if (this.#isOver) return;
    this.#cut(message.event);
    this.format.message?.(message, this.sink.output);
    this.printed++;
  }

  #cut({ contents }: Event): void {
    const { shownBytes } = this.bounds;
    if (shownBytes > 0 && contents !== null && contents.length > shownBytes) contents.length = shownBytes;
  }

  get #isOver(): boolean {
    return this.printed === this.bounds.count && this.bounds.count > 0;
  }
}
