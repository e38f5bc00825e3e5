/** A message: what one end said to the other, in however many events its bytes moved. */
import type { Event } from "../event.ts";

/**
 * An error is an answer that says no. Undecoded are bytes of a known protocol whose message can't be told: they
 * began before tracing, or something within them is missing. An unanswered request is told of at the end.
 */
export type MessageKind = "request" | "response" | "notification" | "error" | "undecoded" | "unanswered";

/** Raw bytes as they were said, or a number. */
export type Word = Uint8Array | number;

/** A word that a decoder adds, in the order of printing. */
export interface Detail {
  readonly name: string;
  readonly value: Word;
}

/** What a decoder says of one message. */
export interface Said {
  readonly kind: MessageKind;
  /** what is asked or told */
  readonly name?: Uint8Array;
  /** by which a request and its answer know each other; without one answers come in the requests' order */
  readonly id?: Word;
  /** what pairs them instead of the id, where that alone does not */
  readonly pairing?: string;
  /** of an answer */
  readonly status?: Word;
  readonly fields?: readonly Detail[];
  /** an answer that says no */
  readonly isError?: boolean;
  /** a request that nobody answers */
  readonly isOneWay?: boolean;
  /** it was told of where it began; this is it on its further way */
  readonly isRepeated?: boolean;
  /** an answer that others to the same request follow */
  readonly continues?: boolean;
}

/** One of these is filled anew for each message, and good for the call only that gives it. */
export interface Message {
  said: Said;
  /** what is asked or told; of an answer the name of its request, as far as that is known */
  name: Uint8Array | undefined;
  protocol: string;
  /** the event that made it whole: its time, ends and place; its count and contents are the message's */
  event: Event;
  /** bytes of it that were not captured */
  missing: number;
  /** nanoseconds from a request to its answer, or to the end without one; -1 for others, and when nobody knows */
  latency: number;
}
