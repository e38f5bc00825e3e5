/**
 * Requests that wait for their answers, by id or one after the other. What one socket sent may be seen a moment later
 * than what it brought about, so an answer waits a moment for its request.
 */
import { latin1 } from "../bytes/latin1.ts";
import type { Time } from "../event.ts";
import { type Alarms, type Sleeper, secondsOf } from "./alarms.ts";
import type { Said } from "./message.ts";
import { otherSide, type Side } from "./protocol.ts";

/** of one side of one exchange; the oldest are forgotten */
const mostWaiting = 1024;
const mostEarly = 64;
/** how long an answer waits, and how much earlier than its request it may seem to be, in seconds */
const patience = 0.01;
const haste = 0.002;
/** as many answers in a row that came before their requests answer older ones, from before tracing */
const mostHasty = 3;

/** What a request and its answer have in common; null without anything. */
export type Pairing = string | number | null;

/** A request, and when it was made. */
export interface Question extends Readonly<Time> {
  readonly side: Side;
  readonly id: Pairing;
  readonly name: Uint8Array;
}

/** An answer whose request was not seen yet. */
interface Early {
  readonly side: Side;
  readonly id: Pairing;
  readonly time: Time;
  /** given the request, or null when there was none */
  readonly tell: (asked: Question | null) => void;
}

/** The id, 1 being another than "1", unless there is something else. */
export function pairingOf({ id, pairing }: Said): Pairing {
  if (pairing !== undefined) return pairing;
  if (id === undefined) return null;
  return typeof id === "number" ? id : latin1(id);
}

export function nanosecondsBetween(from: Time, to: Time): number {
  return Math.max(0, (to.seconds - from.seconds) * 1e9 + to.nanoseconds - from.nanoseconds);
}

export class Exchange<Request extends Question> implements Sleeper {
  /** by the side that asked */
  readonly #waiting: readonly [Request[], Request[]] = [[], []];
  #early: Early[] = [];
  #hasty = 0;

  /** @param forget told of how many requests were forgotten, for there were too many */
  constructor(
    private readonly alarms: Alarms,
    private readonly forget: (count: number) => void,
  ) {}

  /** The oldest request of a side. */
  oldest(side: Side): Request | null {
    return this.#waiting[side][0] ?? null;
  }

  /** All requests that still wait. */
  get waiting(): readonly Request[] {
    return [...this.#waiting[0], ...this.#waiting[1]];
  }

  /** A request that waits from now on, unless its answer was there before. */
  ask(request: Request): void {
    const waiting = this.#waiting[request.side];
    if (this.#early.length > 0 && this.#meet(request, waiting)) return;
    waiting.push(request);
    if (waiting.length > mostWaiting) {
      waiting.shift();
      this.forget(1);
    }
  }

  /** Whether the answer was there already, which is told its request. */
  #meet(request: Request, waiting: readonly Request[]): boolean {
    const at = this.#early.findIndex(({ side, id }) => side !== request.side && id === request.id);
    const early = this.#early[at];
    if (early === undefined || (request.id === null && waiting.length > 0)) return false;
    this.#early.splice(at, 1);
    const isHaste = secondsOf(request) - secondsOf(early.time) < haste && ++this.#hasty < mostHasty;
    early.tell(isHaste ? request : null);
    if (!isHaste) this.#hasty = 0;
    return isHaste;
  }

  /** The request that an answer of `side` is to; null when none waits. @param stays whether other answers follow */
  answer(side: Side, id: Pairing, stays: boolean): Request | null {
    const waiting = this.#waiting[otherSide(side)];
    for (let i = 0; i < waiting.length; i++) {
      const request = waiting[i] as Request;
      if (request.id !== id) continue;
      if (!stays) waiting.splice(i, 1);
      this.#hasty = 0;
      return request;
    }
    return null;
  }

  /** An answer whose request may be seen in a moment: `tell` is given it, or null after a while. */
  hold(side: Side, id: Pairing, time: Time, tell: (asked: Question | null) => void): void {
    this.#early.push({ side, id, time: { ...time }, tell });
    if (this.#early.length > mostEarly) this.#early.shift()?.tell(null);
    this.alarms.set(this, secondsOf(time) + patience);
  }

  /** The oldest request of a side has no answer, as its protocol has it. */
  skip(side: Side): void {
    this.#waiting[side].shift();
  }

  /** Nobody knows which of the requests of a side are answered: those without an id are told apart by nothing. */
  lose(side: Side): void {
    const waiting = this.#waiting[side];
    const kept = waiting.filter(({ id }) => id !== null);
    this.forget(waiting.length - kept.length);
    waiting.splice(0, waiting.length, ...kept);
  }

  /** The requests of early answers did not come. */
  wake(): void {
    const early = this.#early;
    this.#early = [];
    for (const { tell } of early) tell(null);
  }
}
