/**
 * The reader's loop: drain, print, sleep. While data flows it looks after the ring at short intervals and
 * the kernel side wakes nobody, for that is what costs the traced programs most; else it sleeps till woken.
 */
import type { Ring } from "../../ffi/ring.ts";
import type { Ledgers } from "../account/ledgers.ts";
import type { Losses } from "../account/losses.ts";
import type { Totals } from "../account/totals.ts";
import type { Batch } from "../decode/batch.ts";
import type { Clock } from "../decode/clock.ts";
import { blankEvent, type Lost } from "../event.ts";
import type { Filter } from "../filter/filter.ts";
import type { Followers } from "../filter/followers.ts";
import type { Format } from "../format/format.ts";
import type { Summary } from "../format/summary.ts";
import type { Shared } from "../layout.ts";
import type { Waiting } from "../name/waiting.ts";
import type { Sink } from "../sink.ts";
import type { Child } from "./child.ts";
import type { Stop } from "./stop.ts";

/** between drains while data flows, in milliseconds: going to sleep costs as much as a hundred events */
const drainInterval = 4;
/** the same when that much of the ring, as a part of it, came since the last one: it must not fill up */
const shortInterval = 1;
const plenty = 1 / 32;
/** empty drains in a row after which the reader sleeps until it is woken */
const patience = 3;
/** without anything to do, in milliseconds: waking up is what it costs to do nothing */
const longestSleep = 250;
/** for a reader to catch up */
const longestWait = 50;
const missesInterval = 2000;

/** What an event passes on its way, as src/trace/trace.ts puts it together. */
export interface Stages {
  readonly ring: Ring;
  /** the words that both sides have */
  readonly shared: Shared;
  readonly clock: Clock;
  readonly batch: Batch;
  readonly waiting: Waiting;
  readonly filter: Filter;
  /** null when descendants are not asked for */
  readonly followers: Followers | null;
  readonly format: Format;
  readonly sink: Sink;
  readonly losses: Losses;
  readonly ledgers: Ledgers;
  readonly totals: Totals;
  /** the format, when that is --summary */
  readonly summary: Summary | null;
}

/** When it ends: whatever comes first. */
export interface Bounds {
  readonly stop: Stop;
  /** -- cmd */
  readonly child: Child | null;
  /** events, 0 for any number */
  readonly count: number;
  /** seconds, 0 for any time */
  readonly duration: number;
}

export class Loop {
  readonly #stages: Stages;
  readonly #bounds: Bounds;
  readonly #event = blankEvent();
  readonly #lost: Lost = {
    kind: "unknown",
    count: 0,
    reason: "fault",
    time: { seconds: 0, nanoseconds: 0 },
  };
  #readerGone = false;
  #endsAt = Number.POSITIVE_INFINITY;
  /** where the ring was when the end was asked for: what came before is still reported */
  #end = Number.POSITIVE_INFINITY;
  /** where the ring was when a report was: what came before is counted in it */
  #reportAt = Number.POSITIVE_INFINITY;
  #missesDue = 0;
  #isTidy = false;

  /** @param showsLost whether what was lost gets a line of the format */
  constructor(
    stages: Stages,
    bounds: Bounds,
    private readonly showsLost: boolean,
  ) {
    this.#stages = stages;
    this.#bounds = bounds;
  }

  /** Prints events until the end; `report` is called after SIGUSR1. False when nobody reads any more. @throws Failure */
  async run(report: () => void): Promise<boolean> {
    const { ring, shared, clock, batch, waiting, losses, ledgers, followers, sink } = this.#stages;
    const { stop, duration } = this.#bounds;
    if (duration > 0) this.#endsAt = performance.now() + duration * 1000;
    stop.onReport(() => {
      this.#reportAt = ring.produced;
    });
    let idle = 0;
    while (!this.#isFinished) {
      if (this.#end === Number.POSITIVE_INFINITY && this.#isOver) this.#end = ring.produced;
      const isEnding = this.#end < Number.POSITIVE_INFINITY;
      clock.sample();
      const from = ring.cursor;
      const records = batch.fill();
      waiting.hold(batch, isEnding ? Number.POSITIVE_INFINITY : clock.bootSeconds);
      const last = batch.settled >= this.#end || (isEnding && records === 0);
      followers?.catchUp();
      batch.read(this.#event, this.#stamp, this.#emit);
      batch.release();
      losses.poll(this.#lost, this.#reportLost);
      ledgers.sweep();
      if (last || performance.now() >= this.#missesDue) {
        losses.pollMisses(this.#lost, this.#reportLost);
        this.#missesDue = performance.now() + missesInterval;
      }
      if (batch.settled >= this.#reportAt) {
        this.#reportAt = Number.POSITIVE_INFINITY;
        report();
        this.#tabulate();
      }
      this.#readerGone = !(await this.#flush());
      if (last) break;
      // what waits for its receiver to be seen lies in the ring, which then wakes at once, over and over
      if (records > 0 || batch.settled < ring.produced) {
        idle = 0;
        shared.awake = 1;
        const isPlenty = ring.cursor - from > ring.size * plenty;
        if (!isEnding) await Bun.sleep(isPlenty ? shortInterval : drainInterval);
      } else if (++idle < patience) {
        await Bun.sleep(drainInterval);
      } else {
        if (shared.awake === 1) {
          shared.awake = 0; // and look once more, for what was submitted without a wake-up
        } else if (!this.#isTidy) {
          Bun.gc(true); // what starting took
          this.#isTidy = true;
        } else {
          ring.wait(Math.max(0, Math.min(longestSleep, this.#endsAt - performance.now())));
          this.#readerGone ||= sink.readerGone();
        }
        await Bun.sleep(0);
      }
    }
    sink.stop();
    if (!this.#readerGone) {
      if (this.#stages.summary !== null) this.#tabulate();
      clock.now(this.#lost.time);
      this.#stages.format.end?.(this.#lost.time, sink.output);
      this.#readerGone = !(await this.#flush());
    }
    return !this.#readerGone;
  }

  get #isFinished(): boolean {
    const { count } = this.#bounds;
    return this.#readerGone || (count > 0 && this.#stages.totals.events >= count);
  }

  get #isOver(): boolean {
    const { stop, child } = this.#bounds;
    return stop.requested || performance.now() >= this.#endsAt || (child?.status() ?? null) !== null;
  }

  readonly #stamp = (low: number, high: number): void => {
    this.#stages.clock.convert(low, high, this.#event.time);
  };

  /** false: that was the last one wanted */
  readonly #emit = (): boolean => {
    const { filter, format, sink, totals } = this.#stages;
    const event = this.#event;
    if (!filter.passes(event)) return true;
    format.event(event, sink.output);
    return totals.count(event.kind) !== this.#bounds.count;
  };

  readonly #reportLost = (): void => {
    const { clock, format, sink } = this.#stages;
    clock.now(this.#lost.time);
    if (this.showsLost) format.lost(this.#lost, sink.output);
  };

  #tabulate(): void {
    const { clock, sink, summary } = this.#stages;
    clock.now(this.#lost.time);
    summary?.table(this.#lost.time, sink.output);
  }

  /** Writes all there is; false when nobody reads any more. @throws Failure */
  async #flush(): Promise<boolean> {
    const { sink } = this.#stages;
    for (;;) {
      const flushed = sink.flush(longestWait);
      if (flushed !== "blocked") return flushed === "done";
      if (this.#bounds.stop.requested) sink.stop();
      await Bun.sleep(0);
    }
  }
}
