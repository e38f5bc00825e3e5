/**
 * Queues of messages. Where functions are hooked each message is known by its place in the kernel's memory; with
 * tracepoints a queue is simulated by the calls on it, and what overlaps is marked as a guess. Both are bounded:
 * who sent a message that was forgotten is not known, and how many those are is said at the end.
 */
import { whole } from "../../ffi/halves.ts";
import { processText } from "../bytes/escape.ts";
import { type Event, type Meta, nobody } from "../event.ts";
import { QueuePhase, QueueRecord } from "../layout.ts";
import type { Entry, Reader, Tools } from "./kind.ts";
import {
  finish,
  forgetOldest,
  isKnown,
  isQuiet,
  type Queued,
  resettle,
  type Simulated,
  take,
} from "./simulated.ts";

/** of the upper half of an address: as a whole it is no exact number */
const addressBits = 0xffff;
/** lines about what is unread */
const most = 10;
/** messages whose senders are remembered, of all queues together */
const mostMessages = 32_768;
/** queues, and of one of them receives under way; those that nothing happens in make room */
export const mostQueues = 4096;
const mostReceives = 8192;

export abstract class QueueReader implements Reader {
  protected readonly record: QueueRecord;
  protected typeLow = 0;
  protected typeHigh = 0;
  /** of the event that is made: which it was sent to, where that is known */
  protected number = 0;
  readonly #tools: Tools;
  readonly #queues = new Map<number, Simulated>();
  /** where functions are hooked, by the place of the message */
  readonly #placed = new Map<number, { message: Queued; queue: Simulated }>();
  /** messages that were forgotten, for there were too many */
  forgotten = 0;
  #simulated = 0;
  /** place in the ring of the record that was read last */
  #last = -1;

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
    if (entry.position === this.#last) {
      // it is read once more, and its event is passed over: what it changes has been changed
      emit();
      return;
    }
    this.#last = entry.position;
    const { phase, thread, messageLow, messageHigh } = record;
    const place = whole(messageLow, messageHigh & addressBits);
    if (phase === QueuePhase.QUEUE_GONE) {
      this.#placed.delete(place);
      return;
    }
    this.number = whole(record.queueLow, record.queueHigh);
    const queue = this.#queue();
    if (phase === QueuePhase.QUEUE_SENT) {
      this.#placed.set(place, { message: this.#message(), queue });
      if (this.#placed.size > mostMessages) this.#forgetPlaced();
    } else if (phase === QueuePhase.QUEUE_SENDS) {
      const message = this.#message();
      queue.sends.set(thread, message);
      queue.messages.push(message);
      if (++this.#simulated > mostMessages) this.#forgetSimulated(queue);
    } else if (phase === QueuePhase.QUEUE_RECEIVES) {
      queue.receives.set(thread, this.#time);
      if (queue.receives.size > mostReceives) forgetFirst(queue.receives);
    } else if (phase === QueuePhase.QUEUE_TAKEN) {
      const sent = this.#placed.get(place);
      this.number = sent?.queue.number ?? this.number;
      this.#placed.delete(place);
      this.#emit(entry, event, sent?.message, false, emit);
    } else if (phase === QueuePhase.QUEUE_RECEIVED) {
      const begun = queue.receives.get(thread) ?? 0;
      queue.receives.delete(thread);
      const { message, guess } = take(queue, record, begun, this.isByPriority);
      this.#emit(entry, event, message, guess, emit);
      resettle(queue, record.left);
    } else {
      finish(queue, record, this.isByPriority);
      resettle(queue, record.left);
    }
  }

  /** A line for each queue that holds messages, the fullest first. */
  unread(): string[] {
    const full = new Map<string, Queued[]>();
    const add = (label: string, message: Queued) => full.set(label, [...(full.get(label) ?? []), message]);
    for (const { message, queue } of this.#placed.values()) add(queue.label, message);
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
    const source = nobody();
    this.#tools.names.fill(source, srcTgid, srcTag);
    return { source, typeLow, typeHigh, count, begun: this.#time, ended: Number.POSITIVE_INFINITY };
  }

  #queue(): Simulated {
    const known = this.#queues.get(this.number);
    if (known !== undefined) return known;
    if (this.#queues.size >= mostQueues) this.#forgetQueue();
    const queue: Simulated = {
      number: this.number,
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

  #forgetPlaced(): void {
    forgetFirst(this.#placed);
    this.forgotten++;
  }

  /** Counts what there really is, and forgets the oldest one of the queue that has got another. */
  #forgetSimulated(queue: Simulated): void {
    const all = [...this.#queues.values()].reduce((sum, { messages }) => sum + messages.length, 0);
    this.#simulated = all;
    if (all > mostMessages && forgetOldest(queue)) {
      this.#simulated--;
      this.forgotten++;
    }
  }

  /** The first one that nothing is in and nothing happens to, else the first. */
  #forgetQueue(): void {
    let first: Simulated | undefined;
    for (const queue of this.#queues.values()) {
      first ??= queue;
      if (queue.messages.length > 0 || !isQuiet(queue)) continue;
      this.#queues.delete(queue.number);
      return;
    }
    if (first === undefined) return;
    this.#queues.delete(first.number);
    this.forgotten += first.messages.length;
  }

  get #time(): number {
    return whole(this.record.timeLow, this.record.timeHigh);
  }
}

function forgetFirst(map: Map<number, unknown>): void {
  for (const first of map.keys()) {
    map.delete(first);
    return;
  }
}
