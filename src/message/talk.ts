/** Both directions of one channel: whose protocol it is, what is held until that is known, and what was said. */
import { whole } from "../../ffi/halves.ts";
import type { Event, Kind } from "../event.ts";
import { type Alarms, type Sleeper, secondsOf } from "./alarms.ts";
import { Held } from "./held.ts";
import type { Said } from "./message.ts";
import type { MessagePlace } from "./place.ts";
import {
  type Dialogue,
  type Directory,
  type NamedProcess,
  otherSide,
  type Protocol,
  type Side,
  type Voice,
} from "./protocol.ts";
import { snapshot } from "./snapshot.ts";
import { type Pool, Stream } from "./stream.ts";

/** without a byte for so long, in seconds, a body that ends with its connection has ended */
const silence = 0.1;
/** events in a row that are nobody's, after which a direction is asked about no more */
const mostRefusals = 64;

/** The world of a conversation. */
export interface Surrounding {
  readonly protocols: readonly Protocol[];
  readonly pool: Pool;
  readonly alarms: Alarms;
  readonly names: Directory;
  /** bytes of a message that are kept to be shown */
  readonly mostShown: number;
  /** an event that is nobody's message */
  plain(event: Event): void;
  /** what was said, by the event that made it whole */
  said(talk: Talk, side: Side, said: Said, stream: Stream, event: Event): void;
  /** the name of the oldest request of a side that waits */
  waiting(talk: Talk, side: Side): Uint8Array | null;
  /** that request has no answer */
  skip(talk: Talk, side: Side): void;
  /** bytes are missing that may have been answers to a side's requests */
  lost(talk: Talk, side: Side): void;
}

class Half implements Sleeper {
  readonly held: Held;
  stream: Stream | null = null;
  refusals = 0;
  /** the last event, for what becomes whole by silence */
  last: Event | null = null;

  constructor(
    surrounding: Surrounding,
    readonly wake: () => void,
  ) {
    this.held = new Held(surrounding.pool);
  }
}

export class Talk implements Voice {
  protocol: Protocol | null = null;
  kind: Kind | null = null;
  /** the processes at both ends, when it was claimed */
  pids: readonly [number, number] = [-1, -1];
  readonly #surrounding: Surrounding;
  readonly #directions: readonly [Half, Half];
  #dialogue: Dialogue | null = null;
  #event: Event | null = null;
  /** its sender */
  #side: Side = 0;
  /** it went over to something else */
  #isLeft = false;

  constructor(surrounding: Surrounding) {
    this.#surrounding = surrounding;
    this.#directions = [
      new Half(surrounding, () => this.#wake(0)),
      new Half(surrounding, () => this.#wake(1)),
    ];
  }

  /** Takes in an event of one side. */
  add(event: Event, side: Side, place: MessagePlace): void {
    const direction = this.#directions[side];
    this.kind ??= event.kind;
    if (this.#isLeft) {
      this.#surrounding.plain(event);
      return;
    }
    if (this.#dialogue !== null) {
      this.#feed(event, side);
      return;
    }
    if (direction.refusals >= mostRefusals) {
      this.#surrounding.plain(event);
      return;
    }
    const { held } = direction;
    const found = held.add(event, place, this.#surrounding.protocols);
    if (found === "held") {
      if (!held.isEmpty) this.#surrounding.alarms.set(direction, held.due);
      return;
    }
    if (found === "nobody") {
      direction.refusals++;
      this.#release(direction);
      this.#surrounding.plain(event);
      return;
    }
    this.#claim(found.protocol, found.asks ? side : otherSide(side), side, event);
  }

  /** Something of this kind was lost, nobody knows where: a message that has begun can't be read on. */
  lost(): void {
    for (const side of [0, 1] as const) {
      const { stream } = this.#directions[side];
      if (stream !== null && (stream.count > 0 || stream.left > 0)) this.#lose(side, stream, 0);
    }
  }

  /** Gives out all that is held or unfinished; nothing more comes. */
  end(): void {
    for (const side of [0, 1] as const) {
      const direction = this.#directions[side];
      this.#surrounding.alarms.clear(direction);
      this.#release(direction);
      const { stream, last } = direction;
      if (stream === null || last === null) continue;
      this.#event = last;
      this.#side = side;
      if (stream.isEndless) this.#dialogue?.quiet?.(stream, side);
      if (stream.left > 0) stream.lose(0);
      if (stream.count > 0) this.say(side, { kind: "undecoded" });
      stream.clear();
      direction.stream = null;
    }
    this.#isLeft = true;
  }

  #claim(protocol: Protocol, asks: Side, side: Side, event: Event): void {
    this.protocol = protocol;
    const pids: readonly [number, number] = [event.src.pid, event.dst.pid];
    this.pids = side === 0 ? pids : [pids[1], pids[0]];
    this.#dialogue = protocol.open?.(this, asks) ?? null;
    for (const one of [side, otherSide(side)]) {
      const direction = this.#directions[one];
      this.#surrounding.alarms.clear(direction);
      for (const held of direction.held.take()) this.#feed(held, one);
      if (one === side) this.#feed(event, side);
    }
  }

  #feed(event: Event, side: Side): void {
    if (this.#isLeft) {
      this.#surrounding.plain(event);
      return;
    }
    const direction = this.#directions[side];
    direction.stream ??= new Stream(this.#surrounding.pool, this.#surrounding.mostShown);
    const { stream } = direction;
    const { contents } = event;
    this.#event = event;
    this.#side = side;
    if (contents !== null) stream.add(contents.bytes, contents.start, contents.length);
    this.#run(stream, side);
    const missing = whole(event.countLow, event.countHigh) - (contents?.length ?? 0);
    if (missing > 0) this.#miss(stream, side, missing);
    if (this.#isLeft) {
      this.#leaveRest(stream, side);
      return;
    }
    stream.settle();
    if (!stream.isWhole) this.#lose(side, stream, 0);
    if (stream.left > 0 || stream.count > 0) direction.last = lastOf(direction.last, event);
    if (stream.isEndless) this.#surrounding.alarms.set(direction, secondsOf(event.time) + silence);
  }

  #miss(stream: Stream, side: Side, missing: number): void {
    let rest = stream.miss(missing);
    this.#run(stream, side);
    if (rest > 0) {
      rest = stream.miss(rest);
      this.#run(stream, side);
    }
    if (rest > 0) this.#lose(side, stream, rest);
  }

  #run(stream: Stream, side: Side): void {
    const dialogue = this.#dialogue;
    while (dialogue !== null && !this.#isLeft && stream.isWhole && !stream.isSkipping) {
      if (!dialogue.step(stream, side)) return;
    }
  }

  #lose(side: Side, stream: Stream, missing: number): void {
    stream.lose(missing);
    this.#dialogue?.lost(side);
    this.#surrounding.lost(this, otherSide(side));
  }

  /** What came with the last message of a protocol that was left. */
  #leaveRest(stream: Stream, side: Side): void {
    stream.lose(0);
    if (stream.count > 0) this.say(side, { kind: "undecoded" });
  }

  #release(direction: Half): void {
    for (const event of direction.held.take()) this.#surrounding.plain(event);
  }

  #wake(side: Side): void {
    const direction = this.#directions[side];
    const { stream, last } = direction;
    if (this.#dialogue === null) {
      direction.refusals++;
      this.#release(direction);
    } else if (stream?.isEndless && last !== null) {
      this.#event = last;
      this.#side = side;
      this.#dialogue.quiet?.(stream, side);
    }
  }

  say(side: Side, said: Said): void {
    const { stream } = this.#directions[side];
    if (stream === null || this.#event === null) return;
    this.#surrounding.said(this, side, said, stream, this.#event);
    stream.begin();
  }

  waiting(side: Side): Uint8Array | null {
    return this.#surrounding.waiting(this, side);
  }

  get names(): Directory {
    return this.#surrounding.names;
  }

  process(side: Side): NamedProcess | null {
    const event = this.#event;
    if (event === null) return null;
    const { pid, comm, guess } = side === this.#side ? event.src : event.dst;
    return pid < 0 || guess ? null : { pid, comm };
  }

  skip(side: Side): void {
    this.#surrounding.skip(this, side);
  }

  leave(): void {
    this.#isLeft = true;
  }
}

/** The last event of a direction, without its contents: made once, then brought up to date. */
function lastOf(known: Event | null, event: Event): Event {
  if (known === null) return snapshot({ ...event, meta: (out) => event.meta(out), contents: null });
  Object.assign(known.time, event.time);
  Object.assign(known.src, event.src);
  Object.assign(known.dst, event.dst);
  return known;
}
