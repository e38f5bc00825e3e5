/** Whom the OOM killer took, by the events of their SIGKILL: their threads and times. */
import type { OomRecord } from "../layout.ts";

/** that are kept: what is asked for is asked for soon */
const most = 256;

interface Mark {
  readonly thread: number;
  readonly low: number;
  readonly high: number;
}

export class Victims {
  readonly #marks: Mark[] = [];

  /** Keeps an oom_record. */
  add({ thread, timeLow: low, timeHigh: high }: OomRecord): void {
    if (this.#marks.length === most) this.#marks.shift();
    this.#marks.push({ thread, low, high });
  }

  /** Whether the OOM killer has marked whom a SIGKILL was for, by the thread that ran it and the time of the event. */
  has(thread: number, low: number, high: number): boolean {
    return this.#marks.some((mark) => mark.thread === thread && mark.low === low && mark.high === high);
  }
}
