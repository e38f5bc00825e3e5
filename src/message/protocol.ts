/** The contract of a decoder; decoders/index.ts lists them all. */
import type { Kind } from "../event.ts";
import type { Said } from "./message.ts";
import type { Stream } from "./stream.ts";

/** of all conversations */
const mostNames = 16_384;

/** The ends of a conversation: side 0 is the one that was seen sending first. */
export type Side = 0 | 1;

export function otherSide(side: Side): Side {
  return side === 0 ? 1 : 0;
}

/**
 * Whether the first bytes of a direction are a protocol's: `asks` when it is a client's, `answers` when it is a
 * server's, `maybe` when more bytes will tell.
 */
export type Verdict = "no" | "maybe" | "asks" | "answers";

/** The first bytes of a direction, and where it leads. */
export interface Head {
  readonly bytes: Uint8Array;
  /** the path that either end is bound to, the name of a pipe, or empty */
  readonly path: string;
  /** of the two ports the lower one, which is the service's; 0 without */
  readonly port: number;
}

/** What one conversation tells others of a protocol: the names of processes, and what it has begun. */
export class Directory {
  readonly #known = new Map<string, NamedProcess>();
  readonly #met = new Set<string>();

  /** Remembers what begins, in place of the oldest when it is too much. */
  meet(name: string): void {
    this.#met.delete(name);
    this.#met.add(name);
    const [oldest] = this.#met;
    if (this.#met.size > mostNames && oldest !== undefined) this.#met.delete(oldest);
  }

  hasMet(name: string): boolean {
    return this.#met.has(name);
  }

  get(name: string): NamedProcess | undefined {
    return this.#known.get(name);
  }

  /** Later names take the place of the oldest. */
  set(name: string, known: NamedProcess): void {
    this.#known.delete(name);
    this.#known.set(name, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostNames && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** A process that is known by a name of its protocol. */
export interface NamedProcess {
  readonly pid: number;
  /** null when nobody knows */
  readonly comm: Uint8Array | null;
}

/** Who is told what a decoder makes of its bytes. */
export interface Voice {
  /** The bytes that were taken from the stream of `side` since the last time are this message. */
  say(side: Side, said: Said): void;
  /** The oldest request of `side` that waits for its answer: its name, null when there is none. */
  waiting(side: Side): Uint8Array | null;
  /** The process at one end, as the event has it that is being read; a guess is nobody. */
  process(side: Side): NamedProcess | null;
  /** Processes by names that mean the same in every conversation; bounded. */
  readonly names: Directory;
  /** That request is not answered, as the protocol has it. */
  skip(side: Side): void;
  /** Nothing more of this conversation is of the protocol. */
  leave(): void;
}

/** A decoder at work: one for each conversation. It never throws, whatever the bytes are. */
export interface Dialogue {
  /** Reads one step from the front of a stream; false: it needs more than there is. */
  step(stream: Stream, side: Side): boolean;
  /** Bytes at the front are missing: what comes next may be the midst of a message. */
  lost(side: Side): void;
  /** Nothing came for a while on a side that has a message which only silence ends. */
  quiet?(stream: Stream, side: Side): void;
}

export interface Protocol {
  readonly name: string;
  /** what it may be spoken over */
  readonly kinds: readonly Kind[];
  /** whether requests and answers may go through two pipes, or two sockets, between the same processes */
  readonly isApart?: boolean;
  /** of streams: is this it, and who speaks? */
  detect?(head: Head): Verdict;
  /** of streams. @param asks the side that asks, as `detect` told */
  open?(voice: Voice, asks: Side): Dialogue;
  /** of datagrams and packets: the message; null when it is none of it */
  datagram?(head: Head): Said | null;
}
