/**
 * What events that differ in nothing but time, count and contents have in common: the direction of their packets, and
 * the comment but for the count. Those of one channel mostly are such, so it is worked out once.
 */
import { type Literal, literalOf, Output } from "../bytes/output.ts";
import type { End, Event, Key, Kind, Meta } from "../event.ts";
import type { BlockWriter } from "../pcapng/block.ts";
import { Flows } from "../pcapng/flows.ts";
import type { Direction } from "../pcapng/packet.ts";
import { capturedOf, count } from "./format.ts";
import type { Text } from "./text.ts";

/** a power of two */
const slots = 1024;
/** more members than any kind has */
const mostMembers = 32;

/** The members of an event's meta one after the other, but for the value of `count`. */
class Gathered implements Meta {
  readonly ids = new Int32Array(mostMembers);
  readonly texts = new Array<Uint8Array | null>(mostMembers).fill(null);
  readonly lows = new Float64Array(mostMembers);
  readonly highs = new Float64Array(mostMembers);
  length = 0;
  isCounted = false;
  hash = 0;

  read(event: Event): void {
    this.length = 0;
    this.isCounted = false;
    this.hash = event.src.pid * 17 + event.dst.pid;
    event.meta(this);
  }

  text({ id }: Key, value: Uint8Array): void {
    const at = this.length++;
    this.ids[at] = id;
    this.texts[at] = value;
  }

  integer(key: Key, low: number, high: number): void {
    const at = this.length++;
    const isCount = key === count;
    this.ids[at] = key.id;
    this.texts[at] = null;
    if (isCount) this.isCounted = true;
    else this.hash = (Math.imul(this.hash, 31) + low) | 0;
    this.lows[at] = isCount ? 0 : low;
    this.highs[at] = isCount ? 0 : high;
  }

  flag({ id }: Key): void {
    const at = this.length++;
    this.ids[at] = id;
    this.texts[at] = null;
    this.lows[at] = 0;
    this.highs[at] = 0;
  }
}

/** An end, as it was. */
type EndThen = Readonly<End>;

export class Route {
  readonly #kind: Kind;
  readonly #src: EndThen;
  readonly #dst: EndThen;
  readonly #captured: number;
  readonly #ids: Int32Array;
  readonly #texts: readonly (Uint8Array | null)[];
  readonly #lows: Float64Array;
  readonly #highs: Float64Array;
  /** whether the event's count stands between `front` and `behind` */
  readonly isCounted: boolean;

  constructor(
    event: Event,
    { ids, texts, lows, highs, length, isCounted }: Gathered,
    readonly direction: Direction,
    readonly front: Literal,
    readonly behind: Literal,
  ) {
    this.#kind = event.kind;
    this.#src = { ...event.src };
    this.#dst = { ...event.dst };
    this.#captured = capturedOf(event);
    this.#ids = ids.slice(0, length);
    this.#texts = texts.slice(0, length);
    this.#lows = lows.slice(0, length);
    this.#highs = highs.slice(0, length);
    this.isCounted = isCounted;
  }

  /** Whether an event has all that in common with the one it was made for. */
  fits(event: Event, { ids, texts, lows, highs, length }: Gathered): boolean {
    if (
      this.#ids.length !== length ||
      this.#kind !== event.kind ||
      !isSame(this.#src, event.src) ||
      !isSame(this.#dst, event.dst) ||
      this.#captured !== capturedOf(event)
    )
      return false;
    for (let i = 0; i < length; i++) {
      if (this.#ids[i] !== ids[i] || this.#texts[i] !== texts[i]) return false;
      // behind a text there is what an earlier event had
      if (texts[i] === null && (this.#lows[i] !== lows[i] || this.#highs[i] !== highs[i])) return false;
    }
    return true;
  }
}

/** Arrays of names keep their bytes, so the same one is the same name. */
function isSame(then: EndThen, now: End): boolean {
  return then.pid === now.pid && then.comm === now.comm && then.guess === now.guess && then.tag === now.tag;
}

export class Routes {
  readonly #flows = new Flows();
  readonly #gathered = new Gathered();
  readonly #routes = new Array<Route | undefined>(slots).fill(undefined);
  readonly #front = new Output(1024);
  readonly #behind = new Output(256);

  /** @param text what comments are lines of */
  constructor(private readonly text: Text) {}

  /** The one of an event. Names of new addresses go to `out`. */
  of(event: Event, blocks: BlockWriter, out: Output): Route {
    const gathered = this.#gathered;
    gathered.read(event);
    const at = gathered.hash & (slots - 1);
    const known = this.#routes[at];
    if (known?.fits(event, gathered)) return known;
    const [front, behind] = [this.#front, this.#behind];
    front.clear();
    behind.clear();
    this.text.aroundCount(event, front, behind);
    const made = new Route(
      event,
      gathered,
      this.#flows.of(event, blocks, out),
      literalOf(front.bytes.subarray(1, front.length)), // the space in front stays out
      literalOf(behind.bytes.subarray(0, behind.length)),
    );
    this.#routes[at] = made;
    return made;
  }
}
