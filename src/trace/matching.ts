import type { Event } from "../event.ts";
import { isInAny, type Pattern } from "../match/pattern.ts";
import type { MessageListener } from "../message/decoding.ts";
import type { Message } from "../message/message.ts";

/** Lets pass what was joined or decoded and has what --match looks for. */
export class Matching implements MessageListener {
  constructor(
    private readonly patterns: readonly Pattern[],
    private readonly listener: MessageListener,
  ) {}

  event(event: Event): void {
    if (isInAny(this.patterns, event.contents)) this.listener.event(event);
  }

  message(message: Message): void {
    if (isInAny(this.patterns, message.event.contents)) this.listener.message(message);
  }
}
