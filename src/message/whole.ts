import { highHalf } from "../../ffi/halves.ts";
import { blankEvent, type Contents, type Event, type Key, type Meta, type PassedFile } from "../event.ts";

/** Passes meta on, but for the count, which is the message's. */
class Recount implements Meta {
  out: Meta | null = null;
  low = 0;
  high = 0;

  text(key: Key, value: Uint8Array): void {
    this.out?.text(key, value);
  }

  integer(key: Key, low: number, high: number): void {
    if (key.name === "count") this.out?.integer(key, this.low, this.high);
    else this.out?.integer(key, low, high);
  }

  flag(key: Key): void {
    this.out?.flag(key);
  }

  passed(key: Key, files: readonly PassedFile[]): void {
    this.out?.passed?.(key, files);
  }
}

/** An event as it would be, had the whole message moved at once. The same one is filled anew each time. */
export class WholeEvent {
  readonly #recount = new Recount();
  readonly #whole = blankEvent();
  #event: Event = this.#whole;

  constructor() {
    this.#whole.meta = (out) => {
      const recount = this.#recount;
      recount.out = out;
      recount.low = this.#whole.countLow;
      recount.high = this.#whole.countHigh;
      this.#event.meta(recount);
    };
  }

  of(event: Event, count: number, contents: Contents | null): Event {
    const whole = this.#whole;
    this.#event = event;
    whole.kind = event.kind;
    whole.time = event.time;
    whole.src = event.src;
    whole.dst = event.dst;
    whole.countLow = count >>> 0;
    whole.countHigh = highHalf(count);
    whole.contents = contents;
    return whole;
  }
}
