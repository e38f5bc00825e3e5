import { type Message, type Played, type Taken, unit, unitAt } from "./random.ts";
import type { TraceEvent } from "./trace.ts";

/** ns within which a receive is what an event has waited for; ipcdump waits 50 ms */
const soon = 45e6;

/** ns after a message's sending at which its receiver's name may have been looked up, at the latest */
const looked = 200e6;

export interface Fault {
  operation: number;
  text: string;
}

/** What a back end can't know, and says so: it may guess there. */
export interface Allowance {
  /** whose bytes are in a pipe where writes overlap */
  writers: boolean;
  /** at which socket a datagram was queued: it goes by its address, and may find nobody there any more */
  datagrams: boolean;
}

/** What is wrong with the events of a run, by the words of those who received. */
export class Verdict {
  /** wrong or unknown names without need, and events that nobody is the truth of */
  readonly wrong: Fault[] = [];
  /** messages and bytes that have no event */
  readonly missing: Fault[] = [];
  readonly #played: Played;
  readonly #events = new Map<string, TraceEvent>();

  constructor(
    played: Played,
    events: readonly TraceEvent[],
    private readonly allowance: Allowance,
  ) {
    this.#played = played;
    for (const event of events) {
      const start = unitAt(Buffer.from(event.bytes ?? "", "base64"), 0, played.salt);
      const message = start === null ? undefined : played.messages.get(start.id);
      if (start === null || message?.type !== event.type) continue;
      const key = `${start.id} ${start.offset}`;
      if (this.#events.has(key)) this.#accuse(message, "comes twice", event);
      this.#events.set(key, event);
    }
    this.#pipes();
    this.#sockets();
    for (const [key, event] of this.#events) {
      this.#accuse(
        played.messages.get(Number.parseInt(key, 10))!,
        "is nothing that was sent or taken",
        event,
      );
    }
  }

  /** What is read from pipes: a run of one writer's bytes is an event, or several where the writer is a guess. */
  #pipes(): void {
    const calls = new Map<number, Taken[]>();
    for (const part of this.#played.taken) {
      if (this.#sentOf(part).type !== "pipe") continue;
      const call = calls.get(part.call) ?? [];
      calls.set(part.call, call);
      call.push(part);
    }
    for (const parts of calls.values()) this.#pipe(parts);
  }

  /** What one read took. */
  #pipe(parts: readonly Taken[]): void {
    const units = parts.flatMap(({ taken, offset, size }) =>
      Array.from({ length: size / unit }, (_, i) => ({ taken, key: `${taken} ${offset + i * unit}` })),
    );
    let writer = "";
    for (let at = 0; at < units.length; ) {
      const { key, taken } = units[at]!;
      const message = this.#played.messages.get(taken)!;
      const event = this.#claim(message, key);
      if (event === null) {
        // lost; the next one begins somewhere behind it
        writer = "";
        do at++;
        while (at < units.length && !this.#events.has(units[at]!.key));
        continue;
      }
      const count = Number(event.meta.count) / unit;
      const of = units.slice(at, at + count).map(({ taken }) => this.#played.messages.get(taken)!.pid);
      const isGuess = event.meta.src_guess === true && this.allowance.writers;
      const { pid, comm } = parts[0]!;
      if (event.dst_pid !== pid || event.dst_comm !== comm || event.meta.dst_guess === true)
        this.#accuse(message, `was read by ${pid}(${comm})`, event);
      else if (of.length !== count || (!isGuess && of.some((pid) => pid !== message.pid)))
        this.#accuse(message, `was read with what ${of} wrote`, event);
      else if (event.meta.pipe_name !== (message.path || "<anonymous>"))
        this.#accuse(message, `went through ${message.path || "a pipe"}`, event);
      else if (!isGuess && writer === nameOf(message)) this.#accuse(message, "is not a run", event);
      else if (!isGuess) this.#checkSource(message, event);
      writer = isGuess ? "" : nameOf(message);
      at += count;
    }
  }

  /** What is sent over sockets and terminals: a message is an event. */
  #sockets(): void {
    const takers = new Map<number, Taken>();
    for (const part of this.#played.taken) if (part.offset === 0) takers.set(part.taken, part);
    for (const message of this.#played.messages.values()) {
      if (message.type === "pipe") continue;
      const taker = takers.get(message.sent);
      // what nobody was there for may be gone at once
      const isOwed = taker !== undefined || message.holders > 0;
      const event = this.#claim(message, `${message.sent} 0`, isOwed, taker);
      if (event === null) continue;
      this.#checkSource(message, event);
      if (event.meta.count !== message.size)
        this.#accuse(message, `has another count than ${message.size}`, event);
      this.#checkReceiver(message, taker, event);
    }
  }

  #sentOf({ taken }: Taken): Message {
    const message = this.#played.messages.get(taken);
    if (message === undefined) throw new Error(`nobody sent message ${taken}`);
    return message;
  }

  #checkSource(message: Message, event: TraceEvent): void {
    if (event.src_pid !== message.pid || event.src_comm !== message.comm || event.meta.src_guess === true)
      this.#accuse(message, `was sent by ${message.pid}(${message.comm})`, event);
  }

  #checkReceiver(message: Message, taker: Taken | undefined, event: TraceEvent): void {
    const isGuess = event.meta.dst_guess === true;
    const isAlone = message.alone !== 0 && event.dst_pid === message.alone;
    if (taker === undefined) {
      // nobody was to be seen receiving it
      if (!isGuess && !isAlone && event.dst_pid !== -1) this.#accuse(message, "was not received", event);
      return;
    }
    const truth = `was received by ${receipt(taker, message)}`;
    if (event.dst_pid === taker.pid && !isGuess) {
      if (!this.#wasCalled(event.dst_comm, taker, message.begun)) this.#accuse(message, truth, event);
      return;
    }
    // one process had that end then, and somebody else got it from him only afterwards
    if (isAlone && (taker.born === 0 || taker.born > message.begun)) return;
    // nobody counts datagrams of UDP: who of several took one is not seen
    if (isGuess && message.type === "loopback-udp") return;
    const isLate = taker.time - message.begun > soon;
    if (isLate && message.holders < 0 && event.dst_pid === -1) return;
    if (this.allowance.datagrams && message.type === "unix-dgram" && (isGuess || event.dst_pid === -1))
      return;
    if (!isLate || !isGuess || event.dst_pid === -1) this.#accuse(message, truth, event);
  }

  /** Whether a receiver had that name between a message's sending and its receipt, or the look at its event. */
  #wasCalled(comm: string, { pid, comm: last, time }: Taken, since: number): boolean {
    const names = this.#played.names.get(pid);
    if (comm === last || names === undefined) return comm === last;
    // what exec calls it, until it has named itself
    if (comm === "exe") return names.some((name) => name.time > since);
    return names.some((name, i) => {
      const end = names[i + 1]?.time ?? Number.POSITIVE_INFINITY;
      return name.comm === comm && end > since && name.time < Math.max(time, since + looked);
    });
  }

  #claim(message: Message, key: string, isOwed = true, taker?: Taken): TraceEvent | null {
    const event = this.#events.get(key);
    this.#events.delete(key);
    const received = taker ? `, was received by ${receipt(taker, message)}` : "";
    if (event === undefined && isOwed) this.missing.push(fault(message, `has no event (${key})${received}`));
    return event ?? null;
  }

  #accuse(message: Message, what: string, event: TraceEvent): void {
    const { src_pid, src_comm, dst_pid, dst_comm, meta } = event;
    const ends = `${src_pid}(${src_comm}) > ${dst_pid}(${dst_comm})`;
    this.wrong.push(fault(message, `${what}; the event: ${ends} ${JSON.stringify(meta)}`));
  }
}

function nameOf({ pid, comm }: Message): string {
  return `${pid}(${comm})`;
}

function receipt({ pid, comm, time }: Taken, { begun, ended }: Message): string {
  return `${pid}(${comm}) after ${(time - begun) / 1e6} ms, of which its sending took ${(ended - begun) / 1e6}`;
}

function fault(message: Message, what: string): Fault {
  const { sent, type, operation, size, pid, comm, holders, alone } = message;
  const who = `${size} bytes by ${pid}(${comm}), ${holders} holders${alone ? `, ${alone} alone` : ""}`;
  return { operation, text: `operation ${operation}: ${type} message ${sent} (${who}) ${what}` };
}
