/** The stage between filter and format: events → messages, and events that are nobody's message. */
import { whole } from "../../ffi/halves.ts";
import { latin1 } from "../bytes/latin1.ts";
import { blankEvent, type Event, type Kind, type Lost, type Time } from "../event.ts";
import { Alarms, secondsOf } from "./alarms.ts";
import { nanosecondsBetween, pairingOf } from "./exchange.ts";
import { Links } from "./links.ts";
import type { Message, Said } from "./message.ts";
import { MessagePlace } from "./place.ts";
import { Directory, otherSide, type Protocol, type Side } from "./protocol.ts";
import { Shares } from "./shares.ts";
import { snapshot } from "./snapshot.ts";
import { Pool, type Stream } from "./stream.ts";
import { type Surrounding, Talk } from "./talk.ts";
import { WholeEvent } from "./whole.ts";

/** bytes that are kept in all, of streams and of what is held */
const mostKept = 64 * 1024 * 1024;
/** bytes of a message that -x shows */
const mostShown = 64 * 1024;
/** in seconds: what is in the ring may be that much older than now */
const lag = 0.06;
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

export class Decoding {
  readonly #choice: Choice;
  readonly #listener: MessageListener;
  readonly #packets: readonly Protocol[];
  /** kinds whose events may be pieces of a stream that is decoded, and those whose events may be messages already */
  readonly #streamKinds: ReadonlySet<Kind>;
  readonly #packetKinds: ReadonlySet<Kind>;
  readonly #place = new MessagePlace();
  readonly #alarms = new Alarms();
  readonly #links: Links<Talk>;
  readonly #shares = new Shares(this.#alarms);
  readonly #whole = new WholeEvent();
  readonly #message: Message = {
    said: { kind: "undecoded" },
    name: undefined,
    protocol: "",
    event: blankEvent(),
    missing: 0,
    latency: -1,
  };

  constructor(protocols: readonly Protocol[], choice: Choice, listener: MessageListener) {
    this.#choice = choice;
    this.#listener = listener;
    const streams = protocols.filter(({ open }) => open !== undefined);
    this.#packets = protocols.filter(({ datagram }) => datagram !== undefined);
    this.#streamKinds = new Set(streams.flatMap(({ kinds }) => kinds));
    this.#packetKinds = new Set(this.#packets.flatMap(({ kinds }) => kinds));
    const surrounding: Surrounding = {
      protocols: streams,
      pool: new Pool(mostKept),
      alarms: this.#alarms,
      names: new Directory(),
      mostShown: choice.isShown ? Math.min(mostShown, choice.maxBytes || mostShown) : 0,
      plain: (event) => this.#plain(event),
      said: (talk, side, said, stream, event) => this.#said(talk, side, said, stream, event),
      waiting: (talk, side) => {
        const { exchange, isTurned } = this.#shares.of(talk);
        return exchange.oldest(isTurned ? otherSide(side) : side)?.name ?? null;
      },
      skip: (talk, side) => {
        const { exchange, isTurned } = this.#shares.of(talk);
        exchange.skip(isTurned ? otherSide(side) : side);
      },
      lost: (talk, side) => {
        const { exchange, isTurned } = this.#shares.of(talk);
        exchange.lose(isTurned ? otherSide(side) : side);
      },
    };
    this.#links = new Links(
      () => new Talk(surrounding),
      (talk) => this.#close(talk),
    );
  }

  /** Requests that were forgotten, for there were too many, or bytes of their answers are missing. */
  get forgotten(): number {
    return this.#shares.forgotten;
  }

  /** Takes in an event, which is good for the call only. */
  event(event: Event): void {
    this.#alarms.ring(secondsOf(event.time));
    const isStream = this.#streamKinds.has(event.kind);
    if (!isStream && !this.#packetKinds.has(event.kind)) {
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
    const waiting = [...this.#shares.waiting];
    waiting.sort((a, b) => secondsOf(a) - secondsOf(b));
    for (const request of waiting) {
      const { protocol, event, said, count } = request;
      const { name = nothing, id, isRepeated = false } = said;
      const whole = this.#whole.of({ ...event, time: now }, count, null);
      const unanswered = { kind: "unanswered", isRepeated, ...(id === undefined ? {} : { id }) } as const;
      this.#tell(unanswered, name, protocol, whole, 0, nanosecondsBetween(request, now));
    }
  }

  #said(talk: Talk, side: Side, said: Said, stream: Stream, event: Event): void {
    const { count, missing, shown, shownLength } = stream;
    const contents = shown.length === 0 ? null : { bytes: shown, start: 0, length: shownLength };
    const whole = this.#whole.of(event, count, contents);
    const protocol = talk.protocol?.name ?? "";
    const { kind, name } = said;
    if (kind === "request" && !said.isOneWay) {
      this.#tell(said, name, protocol, whole, missing, -1);
      this.#ask(talk, side, said, event, count);
    } else if (kind === "response" || kind === "error") {
      this.#answer(talk, side, said, whole, missing);
    } else {
      this.#tell(said, name, protocol, whole, missing, -1);
    }
  }

  #ask(talk: Talk, side: Side, said: Said, event: Event, count: number): void {
    const { exchange, isTurned, common } = this.#shares.of(talk);
    let kept = common[side];
    if (kept === null || !haveSameEnds(kept, event)) {
      kept = snapshot({ ...event, meta: (out) => event.meta(out), contents: null });
      common[side] = kept;
    }
    exchange.ask({
      side: isTurned ? otherSide(side) : side,
      id: pairingOf(said),
      name: said.name ?? nothing,
      seconds: event.time.seconds,
      nanoseconds: event.time.nanoseconds,
      protocol: talk.protocol?.name ?? "",
      said,
      event: kept,
      count,
    });
  }

  #answer(talk: Talk, side: Side, said: Said, whole: Event, missing: number): void {
    const protocol = talk.protocol?.name ?? "";
    const { exchange, isTurned } = this.#shares.of(talk);
    const own = isTurned ? otherSide(side) : side;
    const pairing = pairingOf(said);
    const asked = exchange.answer(own, pairing, said.continues ?? false);
    if (asked !== null) {
      this.#tell(said, asked.name, protocol, whole, missing, nanosecondsBetween(asked, whole.time));
      return;
    }
    const kept = snapshot(whole);
    exchange.hold(own, pairing, whole.time, (found) => {
      const latency = found === null ? -1 : nanosecondsBetween(found, kept.time);
      this.#tell(said, found?.name, protocol, kept, missing, latency);
    });
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
        this.#tell(said, said.name, protocol.name, made, missing, -1);
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

  #tell(
    said: Said,
    name: Uint8Array | undefined,
    protocol: string,
    event: Event,
    missing: number,
    latency: number,
  ): void {
    const { slow, errors } = this.#choice;
    if (slow > 0 && latency < slow) return;
    // an error that goes on to its caller is told of there
    if (errors && (said.isRepeated || (!said.isError && said.kind !== "error"))) return;
    const message = this.#message;
    message.said = said;
    message.name = name;
    message.protocol = protocol;
    message.event = event;
    message.missing = missing;
    message.latency = latency;
    this.#listener.message(message);
  }

  #close(talk: Talk): void {
    talk.end();
    this.#shares.close(talk);
  }
}

/** Whether an event has the ends of another one that was kept; names are never changed. */
function haveSameEnds({ src, dst }: Event, event: Event): boolean {
  return (
    src.pid === event.src.pid &&
    dst.pid === event.dst.pid &&
    src.comm === event.src.comm &&
    dst.comm === event.dst.comm &&
    src.guess === event.src.guess &&
    dst.guess === event.dst.guess
  );
}
