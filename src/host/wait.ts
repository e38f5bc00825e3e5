/** What a sleeping thread waits for, and which processes could end that. */
import type { Connections } from "./connection.ts";
import type { Thread } from "./thread.ts";

export interface Wait {
  thread: Thread;
  /** `reads pipe 4711, empty` */
  text: string;
  /** what `by` are to it: `writers` */
  whose: string;
  /** the processes that could end it, any one of them */
  by: readonly number[];
  /** whether something else may end it: a time, a person, the network, anybody */
  isOpen: boolean;
  /** it is to write, and there is no room */
  isFull: boolean;
}

/** What it takes to tell: connections, and who is whose child. */
export interface Known {
  connections: Connections;
  children: ReadonlyMap<number, readonly number[]>;
}

/** A wait, whosesoever it is. */
export type Found = Omit<Wait, "thread">;

export type Doing = "reads" | "writes" | "accepts";

/** It may go on by itself, as far as can be told. */
export function open(text: string): Found {
  return { text, whose: "", by: [], isOpen: true, isFull: false };
}
