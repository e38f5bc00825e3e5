import { highHalf } from "../../ffi/halves.ts";
import type { Contents, Event, Key, Meta } from "../event.ts";

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
}

/** An event as it would be, had the whole message moved at once. The same one is filled anew each time. */
export class WholeEvent {
  readonly #recount = new Recount();

  of(event: Event, count: number, contents: Contents | null): Event {
    const recount = this.#recount;
    const low = count >>> 0;
    const high = highHalf(count);
    return {
      kind: event.kind,
      time: event.time,
      src: event.src,
      dst: event.dst,
      meta: (out) => {
        recount.out = out;
        recount.low = low;
        recount.high = high;
        event.meta(recount);
      },
      countLow: low,
      countHigh: high,
      contents,
    };
  }
}
