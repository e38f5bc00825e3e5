import { constants } from "node:os";
import { type Event, key, type Meta } from "../event.ts";
import { EventFlags, Kind, SignalRecord } from "../layout.ts";
import { causeOf, isUnexplained } from "./cause.ts";
import type { Entry, KindModule, Reader, Tools } from "./kind.ts";

const num = key("num", "integer");
const name = key("name", "text", true);
const tid = key("tid", "integer");
const result = key("result", "text");
const cause = key("cause", "text");

/** what a process survives that does not expect it */
const harmless = constants.signals.SIGURG;
const firstRealtime = 34; // 32 and 33 are libc's own
export const lastRealtime = 64;
/** enum of trace/events/signal.h: 0 is delivered; and what bpf/signal.bpf.c has behind it */
const results = ["", "ignored", "already_pending", "overflow_fail", "lose_info", "resumed"];

const encoder = new TextEncoder();
const kernel = encoder.encode("kernel");
const resultNames = results.map((text) => encoder.encode(text));
export const signalNames: readonly Uint8Array[] = Array.from({ length: lastRealtime + 1 }, (_, number) =>
  encoder.encode(signalName(number)),
);

/** `SIGTERM`, `SIGRTMIN+2`, `SIGRTMAX-1`; what has no name is its number */
export function signalName(number: number): string {
  const middle = (firstRealtime + lastRealtime) / 2;
  if (number === firstRealtime) return "SIGRTMIN";
  if (number === lastRealtime) return "SIGRTMAX";
  if (number > firstRealtime && number <= middle) return `SIGRTMIN+${number - firstRealtime}`;
  if (number > middle && number < lastRealtime) return `SIGRTMAX-${lastRealtime - number}`;
  const aliases: Record<number, string> = { 6: "SIGABRT", 17: "SIGCHLD", 29: "SIGIO" };
  const named = Object.entries(constants.signals).find(([, value]) => value === number);
  return aliases[number] ?? named?.[0] ?? `${number}`;
}

class SignalReader implements Reader {
  readonly #record: SignalRecord;
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#record = new SignalRecord(tools.words);
  }

  isReady(at: number): boolean {
    const record = this.#record;
    record.at = at;
    return (record.flags & EventFlags.SIGNAL_KERNEL) === 0 || !isUnexplained(record) || this.#isMarked();
  }

  #isMarked(): boolean {
    const { thread, timeLow, timeHigh } = this.#record;
    return this.#tools.victims.has(thread, timeLow, timeHigh);
  }

  read(entry: Entry, event: Event, emit: () => boolean): void {
    const record = this.#record;
    const { names } = this.#tools;
    record.at = entry.at;
    names.fill(event.src, record.srcTgid, record.srcTag);
    if ((record.flags & EventFlags.SIGNAL_KERNEL) !== 0) {
      event.src.pid = 0;
      event.src.comm = kernel;
    }
    names.fill(event.dst, record.dstTgid, record.dstTag);
    event.countLow = 0;
    event.countHigh = 0;
    event.contents = null;
    event.meta = this.#meta;
    emit();
  }

  readonly #meta = (out: Meta): void => {
    const { number, flags, target, result: code } = this.#record;
    out.integer(num, number, 0);
    out.text(name, signalNames[number] ?? encoder.encode(`${number}`));
    if ((flags & EventFlags.SIGNAL_GROUP) === 0 && target !== 0) out.integer(tid, target, 0);
    if (code !== 0) out.text(result, resultNames[code] ?? encoder.encode(`${code}`));
    if ((flags & EventFlags.SIGNAL_KERNEL) !== 0) out.text(cause, causeOf(this.#record, this.#isMarked()));
  };
}

const signal: KindModule = {
  name: "signal",
  aliases: ["k", "kill"],
  shows: "a signal that one process sends",
  carries: "nothing",
  id: Kind.KIND_SIGNAL,
  size: SignalRecord.size,
  hooks: { signal_generate: ["signal_generate"] },
  blind: {},
  reader: (tools) => new SignalReader(tools),
  trial: ({ pipe }) => {
    const idle = pipe();
    return {
      source: (destination) => ["k", `${destination}`, `${harmless}`],
      destination: ["r", `${idle.reading}`],
      descriptors: [idle.reading],
      stays: true,
      [Symbol.dispose]: () => idle[Symbol.dispose](),
    };
  },
};

export const kinds: readonly KindModule[] = [signal];
