import { type Event, type Kind, key, type Lost, type LostReason } from "../event.ts";
import { type Literal, literal, type Output } from "./output.ts";

/** One way to print. Nothing an argument refers to is kept beyond the call. */
export interface Format {
  /** what stands before the first event, once */
  header(out: Output): void;
  event(event: Event, out: Output): void;
  lost(lost: Lost, out: Output): void;
}

/** What every format adds to a kind's own meta, in this order. */
export const captured = key("captured");
export const sourceGuess = key("src_guess");
export const destinationGuess = key("dst_guess");

/** The contract's fixed words, ready to be written. */
export const words: Readonly<Record<Kind | "unknown" | LostReason, Literal>> = {
  pipe: literal("pipe"),
  signal: literal("signal"),
  "unix-stream": literal("unix-stream"),
  "unix-dgram": literal("unix-dgram"),
  "unix-seqpacket": literal("unix-seqpacket"),
  "loopback-tcp": literal("loopback-tcp"),
  "loopback-udp": literal("loopback-udp"),
  pty: literal("pty"),
  unknown: literal("unknown"),
  ring_full: literal("ring_full"),
  map_full: literal("map_full"),
  fault: literal("fault"),
  probe_missed: literal("probe_missed"),
};

/** Whether contents were asked for and fewer bytes came than the transfer had. */
export function isCut(event: Event): boolean {
  const { contents } = event;
  return contents !== null && (event.countHigh > 0 || contents.length < event.countLow);
}
