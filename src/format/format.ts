import { type Literal, literal, type Output } from "../bytes/output.ts";
import {
  type Carries,
  type Event,
  type Kind,
  key,
  kindNames,
  type Lost,
  type LostReason,
  type Meta,
  type Time,
} from "../event.ts";
import type { Message } from "../message/message.ts";

/** What users choose of formats. */
export interface FormatChoice {
  /** of text */
  readonly isColored?: boolean;
  /** there may be messages: csv has columns more */
  readonly decodes?: boolean;
  /** -A: contents are shown as text where they are text */
  readonly isReadable?: boolean;
  /** --who: it says who the ends are */
  readonly tells?: boolean;
  /** --brief, of text: without inodes, addresses and services */
  readonly isBrief?: boolean;
  /** of text: lines that are to be read back, in which all is said of descriptors */
  readonly isRecorded?: boolean;
  /** what the events of each kind carry, in the order of kinds: pcapng has an interface for each */
  readonly carried?: ReadonlyMap<Kind, Carries>;
}

/** One way to print. Nothing an argument refers to is kept beyond the call. */
export interface Format {
  /** the line before the first event, once */
  header(out: Output): void;
  event(event: Event, out: Output): void;
  /** So many events, of so many bytes, that are otherwise like this one. Of formats that only add up */
  events?(event: Event, events: number, bytes: number): void;
  /** of --decode */
  message?(message: Message, out: Output): void;
  /**
   * Formats with this take in every event, and its messages beside that: it is told of those events that are nobody's
   * message.
   */
  rest?(event: Event, out: Output): void;
  lost(lost: Lost, out: Output): void;
  /** what stands behind the last event, once */
  end?(time: Time, out: Output): void;
}

export const count = key("count", "integer");
const captured = key("captured", "integer");
const sourceGuess = key("src_guess", "flag");
const destinationGuess = key("dst_guess", "flag");

/** Everything of meta: the kind's own, then what all kinds have. */
export function writeMeta(event: Event, meta: Meta): void {
  event.meta(meta);
  const bytes = capturedOf(event);
  if (bytes >= 0) meta.integer(captured, bytes, 0);
  if (event.src.guess) meta.flag(sourceGuess);
  if (event.dst.guess) meta.flag(destinationGuess);
}

/** The contract's fixed words, ready to be written. */
export const words: Readonly<Record<Kind | "unknown" | LostReason, Literal>> = {
  ...(Object.fromEntries(kindNames.map((name) => [name, literal(name)])) as Record<Kind, Literal>),
  unknown: literal("unknown"),
  ring_full: literal("ring_full"),
  map_full: literal("map_full"),
  fault: literal("fault"),
  probe_missed: literal("probe_missed"),
};

/** Of contents that were asked for and are fewer bytes than the transfer had: how many; else -1. */
export function capturedOf({ contents, countLow, countHigh }: Event): number {
  return contents !== null && (countHigh > 0 || contents.length < countLow) ? contents.length : -1;
}
