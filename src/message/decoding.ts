/** The stage between filter and format: events → messages, and events that are nobody's message. */
import { whole } from "../../ffi/halves.ts";
import { latin1 } from "../bytes/latin1.ts";
import type { Event, Kind, Lost, Time } from "../event.ts";
import { Alarms, secondsOf } from "./alarms.ts";
import { Exchange, nanosecondsBetween, pairingOf, type Question } from "./exchange.ts";
import { Links } from "./links.ts";
import type { Message, Said, Word } from "./message.ts";
import { MessagePlace } from "./place.ts";
import { otherSide, type Protocol, type Side } from "./protocol.ts";
import { snapshot } from "./snapshot.ts";
import { Pool, type Stream } from "./stream.ts";
import { type Surrounding, Talk } from "./talk.ts";
import { WholeEvent } from "./whole.ts";

/** bytes that are kept in all, of streams and of what is held */
const mostKept = 64 * 1024 * 1024;
/** bytes of a message that -x shows */
const mostShown = 64 * 1024;
/** pairs of processes whose requests may go another way than the answers */
const mostPairs = 4096;
/** in seconds: what is in the ring may be that much older than now */
const lag = 0.06;
/** kinds whose events are pieces of a stream, and those whose events are messages already */
const streams: readonly Kind[] = ["pipe", "unix-stream", "loopback-tcp"];
const packets: readonly Kind[] = ["unix-dgram", "unix-seqpacket", "loopback-udp"];
const nothing = new Uint8Array(0);

export interface Choice {
  /** -x: with bytes; at most so many of a message, 0 is as many as there is room for */
  readonly isShown: boolean;
  readonly maxBytes: number;
  /** --slow: nanoseconds, 0 for any */
  readonly slow: number;
  /** --errors */
  readonly errors: boolean;
}

/** Who prints. What is given is good for the call only. */
export interface MessageListener {
  event(event: Event): void;
  message(message: Message): void;
}

/** A request, and all that a line about it needs. */
interface Request extends Question {
  readonly protocol: string;
  readonly word: Word | undefined;
  readonly event: Event;
}

/** The exchange of a conversation. */
interface Share {
  readonly exchange: Exchange<Request>;
  /** whether side 0 of the conversation is side 1 of the exchange */
  readonly isTurned: boolean;
}

export class Decoding {
  /** messages so far by protocol */
  readonly counts = new Map<string, number>();
  /** requests that were forgotten, for there were too many, or bytes of their answers are missing */
  forgotten = 0;
  readonly #choice: Choice;
  readonly #listener: MessageListener;
  readonly #packets: readonly Protocol[];
  readonly #place = new MessagePlace();
  readonly #alarms = new Alarms();
  readonly #links: Links<Talk>;
  readonly #shares = new Map<Talk, Share>();
  readonly #pairs = new Map<string, Exchange<Request>>();
  readonly #whole = new WholeEvent();

  constructor(protocols: readonly Protocol[], choice: Choice, listener: MessageListener) {
    this.#choice = choice;
    this.#listener = listener;
    this.#packets = protocols.filter(({ datagram }) => datagram !== undefined);
    const surrounding: Surrounding = {
      protocols: protocols.filter(({ open }) => open !== undefined),
      pool: new Pool(mostKept),
      alarms: this.#alarms,
      mostShown: choice.isShown ? Math.min(mostShown, choice.maxBytes || mostShown) : 0,
      plain: (event) => this.#plain(event),
      said: (talk, side, said, stream, event) => this.#said(talk, side, said, stream, event),
      waiting: (talk, side) => {
        const { exchange, isTurned } = this.#shareOf(talk);
        return exchange.oldest(isTurned ? otherSide(side) : side)?.name ?? null;
      },
      skip: (talk, side) => {
        const { exchange, isTurned } = this.#shareOf(talk);
        exchange.skip(isTurned ? otherSide(side) : side);
      },
      lost: (talk, side) => {
        const { exchange, isTurned } = this.#shareOf(talk);
        exchange.lose(isTurned ? otherSide(side) : side);
      },
    };
    this.#links = new Links(
      () => new Talk(surrounding),
      (talk) => this.#close(talk),
    );
  }

  /** Takes in an event, which is good for the call only. */
  event(event: Event): void {
    this.#alarms.ring(secondsOf(event.time));
    const isStream = streams.includes(event.kind);
    if (!isStream && !packets.includes(event.kind)) {
      this.#plain(event);
      return;
    }
    const place = this.#place;
    place.read(event);
    if (!isStream) {
      this.#packet(event);
      return;
    }
    const link = this.#links.of(event, place);
    if (link === null) this.#plain(event);
    else link.talk.add(event, link.side, place);
  }

  /** Events of this kind were lost: messages that have begun can't be read on. */
  lost({ kind }: Lost): void {
    for (const talk of this.#links.all) if (kind === "unknown" || talk.kind === kind) talk.lost();
  }

  /** Time has gone on, whether anything happened or not. */
  tick(now: Time): void {
    if (this.#alarms.isSet) this.#alarms.ring(secondsOf(now) - lag);
  }

  /** Nothing more comes: what is held or unfinished is told, and which requests were never answered. */
  end(now: Time): void {
    this.#alarms.ring(Number.POSITIVE_INFINITY);
    for (const talk of this.#links.all) talk.end();
    this.#alarms.ring(Number.POSITIVE_INFINITY);
    const exchanges = new Set([...this.#shares.values()].map(({ exchange }) => exchange));
    for (const exchange of this.#pairs.values()) exchanges.add(exchange);
    const waiting = [...exchanges].flatMap((exchange) => exchange.waiting);
    waiting.sort((a, b) => secondsOf(a.time) - secondsOf(b.time));
    for (const { protocol, event, name, word, time } of waiting) {
      const latency = nanosecondsBetween(time, now);
      const said = { kind: "unanswered", name, ...(word === undefined ? {} : { id: word }) } as const;
      this.#tell({ ...said, protocol, event: { ...event, time: now }, missing: 0, latency });
    }
  }

  #said(talk: Talk, side: Side, said: Said, stream: Stream, event: Event): void {
    const { count, missing, shown, shownLength } = stream;
    const contents = shown.length === 0 ? null : { bytes: shown, start: 0, length: shownLength };
    const whole = this.#whole.of(event, count, contents);
    const protocol = talk.protocol?.name ?? "";
    const { exchange, isTurned } = this.#shareOf(talk);
    const own = isTurned ? otherSide(side) : side;
    if (said.kind === "request" && !said.isOneWay) {
      this.#tell({ ...said, protocol, event: whole, missing, latency: -1 });
      const { name = nothing, id } = said;
      const kept = snapshot({ ...whole, contents: null });
      exchange.ask({
        side: own,
        id: pairingOf(said),
        name,
        time: kept.time,
        protocol,
        word: id,
        event: kept,
      });
    } else if (said.kind === "response" || said.kind === "error") {
      const tell = (event: Event) => (asked: Question | null) => {
        const name = asked === null ? {} : { name: asked.name };
        const latency = asked === null ? -1 : nanosecondsBetween(asked.time, event.time);
        this.#tell({ ...said, ...name, protocol, event, missing, latency });
      };
      const early = () => tell(snapshot(whole));
      exchange.answer(own, pairingOf(said), event.time, said.continues ?? false, tell(whole), early);
    } else {
      this.#tell({ ...said, protocol, event: whole, missing, latency: -1 });
    }
  }

  /** A datagram or a packet. */
  #packet(event: Event): void {
    const { contents } = event;
    if (contents !== null && contents.length > 0) {
      const bytes = contents.bytes.subarray(contents.start, contents.start + contents.length);
      const place = this.#place;
      const head = { bytes, path: place.name === null ? "" : latin1(place.name), port: place.port };
      for (const protocol of this.#packets) {
        const said = protocol.kinds.includes(event.kind) ? protocol.datagram?.(head) : null;
        if (said === null || said === undefined) continue;
        const count = whole(event.countLow, event.countHigh);
        const shown = this.#choice.isShown ? contents : null;
        const made = this.#whole.of(event, count, shown);
        const missing = count - contents.length;
        this.#tell({ ...said, protocol: protocol.name, event: made, missing, latency: -1 });
        return;
      }
    }
    this.#plain(event);
  }

  #plain(event: Event): void {
    const { isShown, maxBytes, slow, errors } = this.#choice;
    if (slow > 0 || errors) return;
    const { contents } = event;
    if (!isShown) event.contents = null;
    else if (contents !== null && maxBytes > 0) contents.length = Math.min(contents.length, maxBytes);
    this.#listener.event(event);
  }

  #tell(message: Message): void {
    const { slow, errors } = this.#choice;
    if (slow > 0 && message.latency < slow) return;
    if (errors && !message.isError && message.kind !== "error") return;
    this.counts.set(message.protocol, (this.counts.get(message.protocol) ?? 0) + 1);
    this.#listener.message(message);
  }

  #shareOf(talk: Talk): Share {
    const known = this.#shares.get(talk);
    if (known !== undefined) return known;
    const [a, b] = talk.pids;
    const share =
      talk.protocol?.isApart && a >= 0 && b >= 0
        ? { exchange: this.#ofPair(Math.min(a, b), Math.max(a, b)), isTurned: a > b }
        : { exchange: this.#made(), isTurned: false };
    this.#shares.set(talk, share);
    return share;
  }

  #ofPair(a: number, b: number): Exchange<Request> {
    const name = `${a} ${b}`;
    const exchange = this.#pairs.get(name) ?? this.#made();
    this.#pairs.delete(name);
    this.#pairs.set(name, exchange);
    const [first] = this.#pairs;
    if (this.#pairs.size > mostPairs && first !== undefined) {
      this.#pairs.delete(first[0]);
      this.forgotten += first[1].waiting.length;
    }
    return exchange;
  }

  #made(): Exchange<Request> {
    return new Exchange<Request>(this.#alarms, (count) => {
      this.forgotten += count;
    });
  }

  #close(talk: Talk): void {
    talk.end();
    const share = this.#shares.get(talk);
    this.#shares.delete(talk);
    if (share === undefined || talk.protocol?.isApart) return;
    this.#alarms.clear(share.exchange);
    share.exchange.wake();
    this.forgotten += share.exchange.waiting.length;
  }
}
