import type { Event, Lost, Time } from "../event.ts";

/** What stands between the filter and the printer, if anything: events are joined, or decoded. */
export interface Stage {
  /** Takes in an event, which is good for the call only. */
  event(event: Event): void;
  /** Some were lost. */
  lost(lost: Lost): void;
  /** Time has gone on, whether anything happened or not. */
  tick(now: Time): void;
  /** Nothing more comes. */
  end(now: Time): void;
}
