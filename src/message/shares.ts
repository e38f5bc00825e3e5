/** Whose requests a conversation's answers are to: its own, or those of the two processes wherever they talk. */
import type { Event } from "../event.ts";
import type { Alarms } from "./alarms.ts";
import { Exchange, type Question } from "./exchange.ts";
import type { Said } from "./message.ts";
import type { Talk } from "./talk.ts";

/** pairs of processes whose requests may go another way than the answers */
const mostPairs = 4096;

/** A request, and all that a line about it needs. */
export interface Request extends Question {
  readonly protocol: string;
  readonly said: Said;
  /** its ends and its place */
  readonly event: Event;
  readonly count: number;
}

/** The exchange of a conversation. */
export interface Share {
  readonly exchange: Exchange<Request>;
  /** whether side 0 of the conversation is side 1 of the exchange */
  readonly isTurned: boolean;
  /** what events of each side have in common: made once, as long as the ends are the same */
  readonly common: [Event | null, Event | null];
}

export class Shares {
  /** requests that were forgotten, for there were too many, or bytes of their answers are missing */
  forgotten = 0;
  readonly #shares = new Map<Talk, Share>();
  readonly #pairs = new Map<string, Exchange<Request>>();

  constructor(private readonly alarms: Alarms) {}

  /** All requests that wait, in no order. */
  get waiting(): readonly Request[] {
    const exchanges = new Set([...this.#shares.values()].map(({ exchange }) => exchange));
    for (const exchange of this.#pairs.values()) exchanges.add(exchange);
    return [...exchanges].flatMap((exchange) => exchange.waiting);
  }

  of(talk: Talk): Share {
    const known = this.#shares.get(talk);
    if (known !== undefined) return known;
    const [a, b] = talk.pids;
    const share: Share =
      talk.protocol?.isApart && a >= 0 && b >= 0
        ? { exchange: this.#ofPair(Math.min(a, b), Math.max(a, b)), isTurned: a > b, common: [null, null] }
        : { exchange: this.#made(), isTurned: false, common: [null, null] };
    this.#shares.set(talk, share);
    return share;
  }

  /** A conversation is over. */
  close(talk: Talk): void {
    const share = this.#shares.get(talk);
    this.#shares.delete(talk);
    if (share === undefined || talk.protocol?.isApart) return;
    this.#end(share.exchange);
  }

  #ofPair(a: number, b: number): Exchange<Request> {
    const name = `${a} ${b}`;
    const exchange = this.#pairs.get(name) ?? this.#made();
    this.#pairs.delete(name);
    this.#pairs.set(name, exchange);
    const [first] = this.#pairs;
    if (this.#pairs.size > mostPairs && first !== undefined) {
      this.#pairs.delete(first[0]);
      this.#end(first[1]);
    }
    return exchange;
  }

  #end(exchange: Exchange<Request>): void {
    this.alarms.clear(exchange);
    exchange.wake();
    this.forgotten += exchange.waiting.length;
  }

  #made(): Exchange<Request> {
    return new Exchange<Request>(this.alarms, (count) => {
      this.forgotten += count;
    });
  }
}
