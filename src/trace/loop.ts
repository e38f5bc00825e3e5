/**
 * The reader's loop: drain, print, sleep. While data flows it looks after the ring at short intervals and
 * the kernel side wakes nobody, for that is what costs the traced programs most; else it sleeps till woken.
 */
import type { Ring } from "../../ffi/ring.ts";
import type { Ledgers } from "../account/ledgers.ts";
import type { Losses } from "../account/losses.ts";
import type { Totals } from "../account/totals.ts";
import type { Output } from "../bytes/output.ts";
import type { Batch } from "../decode/batch.ts";
import type { Clock } from "../decode/clock.ts";
import { blankEvent, type Lost } from "../event.ts";
import type { Filter } from "../filter/filter.ts";
import type { Followers } from "../filter/followers.ts";
import type { Format } from "../format/format.ts";
import type { Table } from "../format/table.ts";
import type { Shared } from "../layout.ts";
import { flushLog } from "../log.ts";
import type { Identities } from "../name/identities.ts";
import type { Receivers } from "../name/receivers.ts";
import type { Waiting } from "../name/waiting.ts";
import type { Sink } from "../sink.ts";
import type { Top } from "../top/top.ts";
import type { Ending } from "./ending.ts";
import type { Printer } from "./printer.ts";
import { Sleep } from "./sleep.ts";
import type { Stage } from "./stage.ts";
import type { Sums } from "./sums.ts";
import { writeAll } from "./writing.ts";

/** between drains while data flows, in milliseconds: going to sleep costs as much as a hundred events */
const drainInterval = 4;
/** the same when that much of the ring, as a part of it, came since the last one: it must not fill up */
const shortInterval = 1;
const plenty = 1 / 32;
/** empty drains in a row after which the reader sleeps until it is woken */
const patience = 3;
/** without anything to do, in milliseconds: waking up is what it costs to do nothing */
const longestSleep = 250;
/** bytes of output after which it is written: with the longest piece of an event behind it that is below 16 MB */
const piece = 8 * 1024 * 1024;
/** at the end, for a program to submit what it reserved, in milliseconds */
const longestStuck = 1000;
/** seconds after which nobody waits for what is behind a record that is not written yet */
const longestDoubt = 1;
const missesInterval = 2000;

/** What an event passes on its way, as src/trace/trace.ts puts it together. */
export interface Stages {
  readonly ring: Ring;
  /** the words that both sides have */
  readonly shared: Shared;
  readonly clock: Clock;
  readonly batch: Batch;
  readonly waiting: Waiting;
  readonly receivers: Receivers;
  /** null without --who */
  readonly identities: Identities | null;
  readonly filter: Filter;
  /** null when descendants are not asked for */
  readonly followers: Followers | null;
  /** null: what passes the filter is printed as it is */
  readonly stage: Stage | null;
  readonly printer: Printer;
  readonly format: Format;
  readonly sink: Sink;
  readonly losses: Losses;
  readonly ledgers: Ledgers;
  readonly totals: Totals;
  /** the format, when that is --summary */
  readonly summary: Table | null;
  /** null: each event has a record */
  readonly sums: Sums | null;
  /** the format, when that is the board of top */
  readonly top: Top | null;
}

export class Loop {
  readonly #stages: Stages;
  readonly #ending: Ending;
  readonly #sleep = new Sleep();
  readonly #event = blankEvent();
  readonly #lost: Lost = {
    kind: "unknown",
    count: 0,
    reason: "fault",
    time: { seconds: 0, nanoseconds: 0 },
  };
  /** where the ring was when a report was asked for: what came before is counted in it */
  #reportAt = Number.POSITIVE_INFINITY;
  #missesDue = 0;
  /** since when nothing more came, although the end is not there */
  #stuckSince = Number.POSITIVE_INFINITY;
  /**
   * All that happened until then is known, in seconds of CLOCK_BOOTTIME. What is behind a record that is still being
   * written, by a processor that is a hypervisor's to give, is not.
   */
  #known = 0;
  /** empty drains in a row */
  #idle = 0;
  #isTidy = false;

  /**
   * @param showsLost whether what was lost gets a line of the format
   * @param report called after SIGUSR1
   */
  constructor(
    stages: Stages,
    ending: Ending,
    private readonly showsLost: boolean,
    private readonly report: () => void,
  ) {
    this.#stages = stages;
    stages.sink.output.isPiecewise = true;
    this.#ending = ending;
  }

  /** Prints events until the end. @throws Failure */
  async run(): Promise<void> {
    this.#ending.start();
    while (!this.#ending.isOver) {
      const { cursor } = this.#stages.ring;
      const records = await this.#drain();
      if (!this.#ending.isOver) await this.#rest(records, this.#stages.ring.cursor - cursor);
    }
    const { clock, stage, format, sink } = this.#stages;
    sink.stop();
    if (!this.#ending.isRead) return;
    clock.now(this.#lost.time);
    stage?.end(this.#lost.time);
    this.#addSums();
    this.#tabulate();
    format.end?.(this.#lost.time, sink.output);
    await writeAll(sink, this.#ending);
  }

  /** Prints what there is; how many records of events came. */
  async #drain(): Promise<number> {
    const { ring, clock, batch, waiting, receivers, identities, losses, ledgers, followers } = this.#stages;
    const { stage, sink, printer, sums, top } = this.#stages;
    const ending = this.#ending;
    // who reads stderr late has all of it, without another line to push it
    flushLog(0);
    if (ending.takeReport()) this.#reportAt = this.#copySums();
    ending.look(this.#copySums);
    // at the end they were copied for the last time
    if (!ending.isDraining && sums?.isDue(top?.left === 0)) this.#copySums();
    clock.sample();
    identities?.tick(clock.bootSeconds);
    const { produced } = ring;
    const records = batch.fill();
    const isAll = ring.cursor >= produced || clock.bootSeconds - this.#known > longestDoubt;
    if (isAll) this.#known = clock.bootSeconds;
    else if (batch.count > 0) this.#known = Math.max(this.#known, batch.time(batch.count - 1));
    waiting.hold(batch, ending.isDraining ? Number.POSITIVE_INFINITY : this.#known);
    followers?.catchUp();
    await this.#print();
    batch.release();
    receivers.sweep(this.#known * 1e9);
    if (stage !== null) {
      clock.now(this.#lost.time);
      stage.tick(this.#lost.time);
      ending.counted(printer.printed);
    }
    if (ending.isDraining) this.#approach(records);
    losses.poll(this.#lost, this.#reportLost);
    ledgers.sweep();
    if (ending.isOver || performance.now() >= this.#missesDue) {
      losses.pollMisses(this.#lost, this.#reportLost);
      this.#missesDue = performance.now() + missesInterval;
    }
    if (sums?.isKnown(batch.settled)) this.#addSums();
    if (batch.settled >= this.#reportAt) {
      this.#reportAt = Number.POSITIVE_INFINITY;
      this.report();
      this.#tabulate();
    }
    this.#drawTop();
    await writeAll(sink, this.#ending);
    return records;
  }

  #drawTop(): void {
    const { top, sums, sink } = this.#stages;
    if (top?.left === 0 && sums !== null) sums.samples = top.samples;
    top?.draw(sink.output);
    if (top?.isOver) this.#ending.ask();
  }

  /** Nearer to the end, which what nobody submits or completes does not hold up for ever. */
  #approach(records: number): void {
    const { ring, batch, losses } = this.#stages;
    const now = performance.now();
    this.#ending.drained(batch.settled);
    if (records > 0) this.#stuckSince = now;
    this.#stuckSince = Math.min(this.#stuckSince, now);
    if (now - this.#stuckSince < longestStuck) return;
    this.#stuckSince = now;
    if (!ring.isBusy) {
      this.#ending.drained(ring.produced);
      return;
    }
    ring.pass();
    losses.tell(this.#lost, "unknown", 1, "fault", this.#reportLost);
  }

  /** The events of the batch, piece by piece. */
  async #print(): Promise<void> {
    const { batch, sink } = this.#stages;
    let isDone = false;
    while (!isDone && this.#ending.isRead) {
      isDone = batch.read(this.#event, this.#stamp, this.#emit);
      if (isDone) return;
      await writeAll(sink, this.#ending);
      if (this.#ending.isOver) return;
      await Bun.sleep(0); // signals come by
    }
  }

  /** Until the next drain. @param bytes that came with the last one */
  async #rest(records: number, bytes: number): Promise<void> {
    const { ring, shared, batch, sink } = this.#stages;
    // what waits for its receiver to be seen lies in the ring, which then wakes at once, over and over
    if (records > 0 || batch.settled < ring.produced) {
      this.#idle = 0;
      shared.awake = 1;
      const interval = bytes > ring.size * plenty ? shortInterval : drainInterval;
      await this.#sleep.for(this.#ending.isDraining && records > 0 ? 0 : interval);
    } else if (++this.#idle < patience) {
      await this.#sleep.for(drainInterval);
    } else {
      if (shared.awake === 1) {
        shared.awake = 0; // and look once more, for what was submitted without a wake-up
      } else if (!this.#isTidy) {
        Bun.gc(true); // what starting took
        this.#isTidy = true;
      } else {
        ring.wait(Math.min(longestSleep, this.#ending.left, this.#stages.top?.left ?? longestSleep));
        if (sink.readerGone()) this.#ending.abandon();
      }
      await Bun.sleep(0);
    }
  }

  readonly #stamp = (low: number, high: number): void => {
    this.#stages.clock.convert(low, high, this.#event.time);
  };

  /** false: what is there has to be written first, or that was the last one */
  readonly #emit = (): boolean => {
    const { identities, filter, stage, printer, sink, totals } = this.#stages;
    const event = this.#event;
    identities?.complete(event.src);
    identities?.complete(event.dst);
    if (!filter.passes(event) || !totals.takes(event)) return true;
    if (stage === null) printer.event(event);
    else stage.event(event);
    totals.count(event.kind);
    return this.#ending.counted(printer.printed) && this.#hasRoom(sink.output);
  };

  /** Whether more may be written before what is there is. */
  #hasRoom({ length, isPartial }: Output): boolean {
    return length < piece && !isPartial;
  }

  readonly #reportLost = (): void => {
    const { clock, stage, format, sink } = this.#stages;
    clock.now(this.#lost.time);
    stage?.lost(this.#lost);
    if (this.showsLost) format.lost(this.#lost, sink.output);
  };

  /** Where the ring is: names in the sums that were copied were announced before there. */
  readonly #copySums = (): number => {
    const { sums, ring } = this.#stages;
    sums?.copy();
    const { produced } = ring;
    sums?.wait(produced);
    return produced;
  };

  #addSums(): void {
    this.#stages.sums?.tell(this.#event, (events, bytes) => {
      const { filter, format, totals } = this.#stages;
      const event = this.#event;
      if (!filter.passes(event)) return;
      totals.takes(event, events);
      format.events?.(event, events, bytes);
      totals.count(event.kind, events);
    });
  }

  #tabulate(): void {
    const { clock, sink, summary } = this.#stages;
    clock.now(this.#lost.time);
    summary?.table(this.#lost.time, sink.output);
  }
}
