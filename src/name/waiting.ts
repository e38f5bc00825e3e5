/**
 * Which events wait for their receiver to be seen. What /proc says is younger than what was taken in: a descriptor
 * may have been passed on in between. So whoever asks it is asked again, of the same answer, when all that came
 * meanwhile is known.
 */
import { EventRecord } from "../layout.ts";
import type { Owners } from "./owners.ts";

/** seconds that an event waits at most */
const longest = 0.05;

/** What is to be asked of a record. */
export interface Asked {
  /** false: what is to be known of the record at this word may still come; asked again, for a while */
  isReady?(at: number): boolean;
  /** whether isReady and read ask /proc for the record at this word */
  looksUp?(at: number): boolean;
}

/** Events in the order of the ring, of which those that wait are held back until the next drain. */
export interface Queue {
  readonly count: number;
  /** index of an event's first word */
  at(i: number): number;
  /** where it is in the ring */
  position(i: number): number;
  reader(i: number): Asked;
  isHeld(i: number): boolean;
  /** this event and all behind it stay */
  holdFrom(i: number): void;
}

export class Waiting {
  /** up to here in the ring all was asked for once */
  #asked = -1;
  /** what /proc said then is what counts now: all that was in the ring by the time is known */
  #lookedUp = false;
  readonly #event: EventRecord;

  /** @param words the ring's data */
  constructor(
    words: Uint32Array,
    private readonly owners: Owners,
  ) {
    this.#event = new EventRecord(words);
  }

  /**
   * Holds back what waits. To be called once a drain.
   * @param now CLOCK_BOOTTIME in seconds; Infinity: nothing waits
   */
  hold(queue: Queue, now: number): void {
    const lookedUp = this.#lookedUp;
    this.#lookedUp = false;
    if (!lookedUp || now === Number.POSITIVE_INFINITY) this.owners.refresh();
    if (now === Number.POSITIVE_INFINITY) return;
    for (let i = 0; i < queue.count && !queue.isHeld(i); i++) {
      if (this.#mayGo(queue, i, now, lookedUp)) continue;
      queue.holdFrom(i);
      return;
    }
  }

  #mayGo(queue: Queue, i: number, now: number, lookedUp: boolean): boolean {
    const reader = queue.reader(i);
    if (reader.isReady === undefined) return true;
    const at = queue.at(i);
    const looksUp = reader.looksUp?.(at) ?? false;
    // an answer from before an event is none for it
    if (looksUp && lookedUp && queue.position(i) > this.#asked) return false;
    const isReady = reader.isReady(at);
    if (looksUp && !lookedUp) {
      this.#lookedUp = true;
      this.#asked = queue.position(queue.count - 1);
      return false;
    }
    return isReady || this.#age(at, now) >= longest;
  }

  #age(at: number, now: number): number {
    const event = this.#event;
    event.at = at;
    return now - (event.timeHigh * 4.294967296 + event.timeLow / 1e9);
  }
}
