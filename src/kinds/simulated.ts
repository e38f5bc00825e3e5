/** A queue as the calls on it leave it, where no function tells which message is whose. */
import { whole } from "../../ffi/halves.ts";
import { processText } from "../bytes/escape.ts";
import type { End } from "../event.ts";
import { QueuePhase, type QueueRecord } from "../layout.ts";

/** A message that was sent, or that a call is about to send. */
export interface Queued {
  source: End;
  typeLow: number;
  typeHigh: number;
  count: number;
  /** when its call began and ended, CLOCK_BOOTTIME in ns */
  begun: number;
  ended: number;
}

export interface Simulated {
  /** of the queue itself */
  readonly number: number;
  /** for people */
  readonly label: string;
  /** with tracepoints, in the order they were begun */
  messages: Queued[];
  /** by thread: sends under way, and when receives began */
  readonly sends: Map<number, Queued>;
  readonly receives: Map<number, number>;
  /** messages whose senders are not known: they are from before it was seen, or were forgotten */
  strangers: number;
  /** it may not be as simulated: until it is empty all is a guess */
  isTainted: boolean;
}

/** of messages left, where the kernel does not say any more */
const leftUnknown = 0xffff_ffff;
const unknown = 0xffff_ffff;

/** A call ended that gave nothing to its caller. */
export function finish(queue: Simulated, record: QueueRecord, isByPriority: boolean): void {
  const { thread, phase } = record;
  if (phase === QueuePhase.QUEUE_NOT_RECEIVED) {
    const begun = queue.receives.get(thread) ?? 0;
    queue.receives.delete(thread);
    // one is gone all the same when its caller's memory could not have it
    const isGone = isQuiet(queue) && record.left === queue.messages.length + queue.strangers - 1;
    if (isGone && (isByPriority || queue.messages.length === 1)) take(queue, record, begun, isByPriority);
    return;
  }
  const message = queue.sends.get(thread);
  queue.sends.delete(thread);
  if (message === undefined) return;
  message.ended = whole(record.timeLow, record.timeHigh);
  message.typeLow = record.messageTypeLow;
  message.typeHigh = record.messageTypeHigh;
  if (phase === QueuePhase.QUEUE_NOT_SENT)
    queue.messages = queue.messages.filter((other) => other !== message);
}

/** While no call is under way the kernel's number of messages tells whether all is as simulated. */
export function resettle(queue: Simulated, left: number): void {
  if (!isQuiet(queue) || left === leftUnknown) return;
  if (left === 0) {
    queue.messages = [];
    queue.strangers = 0;
    queue.isTainted = false;
  } else if (left !== queue.messages.length + queue.strangers) {
    // some were taken or sent unseen, and it is not known which
    queue.isTainted = true;
  }
}

/** Its oldest message, which is a stranger's from now on; none is left to be forgotten: false. */
export function forgetOldest(queue: Simulated): boolean {
  const message = queue.messages.shift();
  if (message === undefined) return false;
  queue.strangers++;
  queue.isTainted = true;
  return true;
}

/** Which message a receive has taken that began at `begun`: the first that fits, for sure if no other can be it. */
export function take(
  queue: Simulated,
  record: QueueRecord,
  begun: number,
  isByPriority: boolean,
): { message: Queued | undefined; guess: boolean } {
  const { messageTypeLow, messageTypeHigh, count } = record;
  const isAsked = isKnown(messageTypeLow, messageTypeHigh);
  const isOfType = ({ typeLow, typeHigh }: Queued) =>
    !isAsked || !isKnown(typeLow, typeHigh) || (typeLow === messageTypeLow && typeHigh === messageTypeHigh);
  const fits = queue.messages.filter(
    (message) => message.count >= count && (isByPriority || isOfType(message)),
  );
  const isThere = ({ ended }: Queued) => ended < begun;
  if (isByPriority)
    fits.sort(
      (a, b) => Number(isThere(b)) - Number(isThere(a)) || b.typeLow - a.typeLow || a.begun - b.begun,
    );
  if (queue.strangers > 0) {
    queue.strangers--;
    // it may as well have been one of these
    if (fits.length > 0) queue.isTainted = true;
    return { message: undefined, guess: false };
  }
  const [message, ...others] = fits;
  if (message === undefined) {
    queue.isTainted ||= queue.messages.length > 0;
    return { message, guess: false };
  }
  const isSure = (other: Queued) =>
    isSame(other.source, message.source) ||
    (queue.receives.size === 0 &&
      (isByPriority
        ? (other.typeLow <= message.typeLow && message.ended < other.begun) ||
          (other.typeLow < message.typeLow && isThere(message))
        : message.ended < other.begun));
  // of another priority than the receiver was told of it is another one, or somebody has changed what he was told
  queue.isTainted ||= !isOfType(message) || !others.every(isSure);
  queue.messages = queue.messages.filter((other) => other !== message);
  return { message, guess: queue.isTainted };
}

/** Whether no call on it is under way. */
export function isQuiet({ sends, receives }: Simulated): boolean {
  return sends.size === 0 && receives.size === 0;
}

/** Of a type or priority: a receiver need not ask for it, and as a call begins it may not be readable yet. */
export function isKnown(low: number, high: number): boolean {
  return low !== unknown || high !== unknown;
}

function isSame(a: End, b: End): boolean {
  return a.pid === b.pid && (a.comm === b.comm || processText(a.pid, a.comm) === processText(b.pid, b.comm));
}
