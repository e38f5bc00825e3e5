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

/** A request. */
export interface Question {
  readonly side: Side;
  readonly id: string | null;
  readonly name: Uint8Array;
  readonly time: Time;
}

/** An answer whose request was not seen yet. */
interface Early {
  readonly side: Side;
  readonly id: string | null;
  readonly time: Time;
  /** given the request, or null when there was none */
  readonly tell: (asked: Question | null) => void;
}

/** What a request and its answer have in common: an id, 1 being another than "1"; null without one. */
export function pairingOf({ id, pairing }: Said): string | null {
  if (pairing !== undefined) return pairing;
  if (id === undefined) return null;
  return typeof id === "number" ? `${id}` : `"${latin1(id)}`;
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
    const at = this.#early.findIndex(({ side, id }) => side !== request.side && id === request.id);
    const early = this.#early[at];
    if (early !== undefined && (request.id !== null || waiting.length === 0)) {
      this.#early.splice(at, 1);
      const isHaste = secondsOf(request.time) - secondsOf(early.time) < haste && ++this.#hasty < mostHasty;
      early.tell(isHaste ? request : null);
      if (isHaste) return;
      this.#hasty = 0;
    }
    waiting.push(request);
    if (waiting.length > mostWaiting) {
      waiting.shift();
      this.forget(1);
    }
  }

  /**
   * The request that an answer of `side` is to, through `tell`, at once or a moment later.
   * @param stays whether other answers to it follow
   */
  answer(
    side: Side,
    id: string | null,
    time: Time,
    stays: boolean,
    tell: (asked: Question | null) => void,
    early: () => (asked: Question | null) => void,
  ): void {
    const waiting = this.#waiting[otherSide(side)];
    const at = waiting.findIndex((request) => request.id === id);
    const found = waiting[at];
    if (found !== undefined) {
      if (!stays) waiting.splice(at, 1);
      this.#hasty = 0;
      tell(found);
      return;
    }
    this.#early.push({ side, id, time: { ...time }, tell: early() });
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
