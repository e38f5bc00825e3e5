/**
 * Queued queues. Where functions are hooked each message is known by its place in the kernel's memory; with
 * tracepoints a queue is simulated by the calls on it, and what overlaps is marked as a guess.
 */
import { whole } from "../../ffi/halves.ts";
import { processText } from "../bytes/escape.ts";
import type { End, Event, Meta } from "../event.ts";
import { QueuePhase, QueueRecord } from "../layout.ts";
import type { Entry, Reader, Tools } from "./kind.ts";

/** A message that was sent, or that a call is about to send. */
interface Queued {
  source: End;
  typeLow: number;
  typeHigh: number;
  count: number;
  /** when its call began and ended, CLOCK_BOOTTIME in ns */
  begun: number;
  ended: number;
}

interface Simulated {
  label: string;
  /** with tracepoints, in the order they were begun */
  messages: Queued[];
  /** by thread: sends under way, and when receives began */
  sends: Map<number, Queued>;
  receives: Map<number, number>;
  /** messages from before it was seen */
  strangers: number;
  /** it may not be as simulated: until it is empty all is a guess */
  isTainted: boolean;
}

/** of messages left, where the kernel does not say any more */
const leftUnknown = 0xffff_ffff;
/** of the upper half of an address: as a whole it is no exact number */
const addressBits = 0xffff;
const unknown = 0xffff_ffff;
/** lines about what is unread */
const most = 10;

export abstract class QueueReader implements Reader {
  protected readonly record: QueueRecord;
  protected typeLow = 0;
  protected typeHigh = 0;
  /** of the event that is made: which it was sent to, where that is known */
  protected number = 0;
  readonly #tools: Tools;
  readonly #queues = new Map<number, Simulated>();
  /** where functions are hooked, by the place of the message */
  readonly #placed = new Map<number, { message: Queued; queue: number }>();

  constructor(tools: Tools) {
    this.#tools = tools;
    this.record = new QueueRecord(tools.words);
  }

  /** What a queue is called in a line for people. */
  protected abstract label(): string;
  /** Whether a receive takes the highest priority first, and not the oldest of the type it asks for. */
  protected abstract readonly isByPriority: boolean;
  protected abstract readonly meta: (out: Meta) => void;

  read(entry: Entry, event: Event, emit: () => boolean): void {
    const record = this.record;
    record.at = entry.at;
    const { phase, thread, messageLow, messageHigh } = record;
    const place = whole(messageLow, messageHigh & addressBits);
    if (phase === QueuePhase.QUEUE_GONE) {
      this.#placed.delete(place);
      return;
    }
    this.number = whole(record.queueLow, record.queueHigh);
    const queue = this.#queue();
    if (phase === QueuePhase.QUEUE_SENT) {
      this.#placed.set(place, { message: this.#message(), queue: this.number });
    } else if (phase === QueuePhase.QUEUE_SENDS) {
      const message = this.#message();
      queue.sends.set(thread, message);
      queue.messages.push(message);
    } else if (phase === QueuePhase.QUEUE_RECEIVES) {
      queue.receives.set(thread, this.#time);
    } else if (phase === QueuePhase.QUEUE_TAKEN) {
      const sent = this.#placed.get(place);
      this.number = sent?.queue ?? this.number;
      this.#placed.delete(place);
      this.#emit(entry, event, sent?.message, false, emit);
    } else if (phase === QueuePhase.QUEUE_RECEIVED) {
      const begun = queue.receives.get(thread) ?? 0;
      queue.receives.delete(thread);
      const { message, guess } = take(queue, record, begun, this.isByPriority);
      this.#emit(entry, event, message, guess, emit);
      this.#resettle(queue);
    } else {
      this.#finish(queue, phase);
      this.#resettle(queue);
    }
  }

  /** A line for each queue that holds messages, the fullest first. */
  unread(): string[] {
    const full = new Map<string, Queued[]>();
    const add = (label: string, message: Queued) => full.set(label, [...(full.get(label) ?? []), message]);
    for (const { message, queue } of this.#placed.values()) add(this.#queues.get(queue)!.label, message);
    for (const { label, messages } of this.#queues.values())
      for (const message of messages) add(label, message);
    return [...full]
      .sort(([, a], [, b]) => b.length - a.length)
      .slice(0, most)
      .map(([label, messages]) => {
        const bytes = messages.reduce((sum, { count }) => sum + count, 0);
        const from = new Set(messages.map(({ source }) => processText(source.pid, source.comm)));
        const what = messages.length === 1 ? "1 message" : `${messages.length} messages`;
        return `unread: ${label}: ${what}, ${bytes} bytes from ${[...from].join(", ")}`;
      });
  }

  /** A call ended that gave nothing to its caller. */
  #finish(queue: Simulated, phase: number): void {
    const { thread } = this.record;
    if (phase === QueuePhase.QUEUE_NOT_RECEIVED) {
      const begun = queue.receives.get(thread) ?? 0;
      queue.receives.delete(thread);
      // one is gone all the same when its caller's memory could not have it
      const isGone = isQuiet(queue) && this.record.left === queue.messages.length + queue.strangers - 1;
      if (isGone && (this.isByPriority || queue.messages.length === 1))
        take(queue, this.record, begun, this.isByPriority);
      return;
    }
    const message = queue.sends.get(thread);
    queue.sends.delete(thread);
    if (message === undefined) return;
    message.ended = this.#time;
    message.typeLow = this.record.messageTypeLow;
    message.typeHigh = this.record.messageTypeHigh;
    if (phase === QueuePhase.QUEUE_NOT_SENT)
      queue.messages = queue.messages.filter((other) => other !== message);
  }

  /** While no call is under way the kernel's number of messages tells whether all is as simulated. */
  #resettle(queue: Simulated): void {
    const { left } = this.record;
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

  #emit(entry: Entry, event: Event, message: Queued | undefined, guess: boolean, emit: () => boolean): void {
    const { dstTgid, dstTag, messageTypeLow, messageTypeHigh, count } = this.record;
    const { src, dst } = event;
    src.pid = message?.source.pid ?? -1;
    src.comm = message?.source.comm ?? null;
    src.guess = guess;
    src.tag = message?.source.tag ?? 0;
    this.#tools.names.fill(dst, dstTgid, dstTag);
    const isAsked = isKnown(messageTypeLow, messageTypeHigh);
    this.typeLow = isAsked ? messageTypeLow : (message?.typeLow ?? 0);
    this.typeHigh = isAsked ? messageTypeHigh : (message?.typeHigh ?? 0);
    event.meta = this.meta;
    event.countLow = count;
    event.countHigh = 0;
    event.contents = entry.contents;
    emit();
  }

  #message(): Queued {
    const { srcTgid, srcTag, messageTypeLow: typeLow, messageTypeHigh: typeHigh, count } = this.record;
    const source: End = { pid: -1, comm: null, guess: false };
    this.#tools.names.fill(source, srcTgid, srcTag);
    return { source, typeLow, typeHigh, count, begun: this.#time, ended: Number.POSITIVE_INFINITY };
  }

  #queue(): Simulated {
    const known = this.#queues.get(this.number);
    if (known !== undefined) return known;
    const queue: Simulated = {
      label: this.label(),
      messages: [],
      sends: new Map(),
      receives: new Map(),
      strangers: this.record.left,
      isTainted: false,
    };
    this.#queues.set(this.number, queue);
    return queue;
  }

  get #time(): number {
    return whole(this.record.timeLow, this.record.timeHigh);
  }
}

/** Which message a receive has taken that began at `begun`: the first that fits, for sure if no other can be it. */
function take(
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
function isQuiet({ sends, receives }: Simulated): boolean {
  return sends.size === 0 && receives.size === 0;
}

/** Of a type or priority: a receiver need not ask for it, and as a call begins it may not be readable yet. */
function isKnown(low: number, high: number): boolean {
  return low !== unknown || high !== unknown;
}

function isSame(a: End, b: End): boolean {
  return a.pid === b.pid && (a.comm === b.comm || processText(a.pid, a.comm) === processText(b.pid, b.comm));
}
