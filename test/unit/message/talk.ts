/** Conversations for decoders: events that say so much at a time, and the lines that come of them. */
import { expect } from "bun:test";
import { Output } from "../../../src/bytes/output.ts";
import { type Event, type Kind, key, type Lost, type Meta } from "../../../src/event.ts";
import { Text } from "../../../src/format/text.ts";
import { decodersOf, protocols } from "../../../src/message/decoders/index.ts";
import { type Choice, Decoding } from "../../../src/message/decoding.ts";
import type { Message } from "../../../src/message/message.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const seconds = Date.UTC(2026, 10, 22, 12, 34, 56) / 1000;

const keys = {
  path: key("path", "text"),
  pipeName: key("pipe_name", "text", true),
  pipe: key("pipe_inode", "integer"),
  count: key("count", "integer"),
  source: key("src_inode", "integer"),
  destination: key("dst_inode", "integer"),
};

/** So many bytes from one end to the other. */
export interface Piece {
  /** the side: 0 is 812(curl), 1 is 411(dockerd) */
  from: 0 | 1;
  bytes: Uint8Array;
  /** milliseconds since the beginning */
  at: number;
  /** bytes behind these that were not captured */
  missing?: number;
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Pieces one after the other, a millisecond apart: `["> question", "< answer"]`, one character a byte. */
export function pieces(...texts: string[]): Piece[] {
  return texts.map((text, at) => ({ from: text.startsWith("<") ? 1 : 0, bytes: bytesOf(text.slice(2)), at }));
}

export interface Where {
  kind?: Kind;
  path?: string;
  /** of side 0, its socket and the other's; 812, 100 and 200 unless said */
  client?: { pid: number; inodes: readonly [number, number] };
}

export const ends = [
  { pid: 812, comm: encoder.encode("curl"), guess: false },
  { pid: 411, comm: encoder.encode("dockerd"), guess: false },
] as const;

export function eventOf(piece: Piece, where: Where): Event {
  const {
    kind = "unix-stream",
    path = "/run/docker.sock",
    client = { pid: 812, inodes: [100, 200] },
  } = where;
  const { from, bytes, at, missing = 0 } = piece;
  const around = new Uint8Array(bytes.length + 10).fill(0x58);
  around.set(bytes, 7);
  const inodes = from === 0 ? client.inodes : client.inodes.toReversed();
  const sides = [{ ...ends[0], pid: client.pid }, ends[1]];
  return {
    kind,
    time: { seconds: seconds + Math.floor(at / 1000), nanoseconds: Math.round((at % 1000) * 1e6) },
    src: { ...sides[from]! },
    dst: { ...sides[from === 0 ? 1 : 0]! },
    meta(out: Meta) {
      out.text(kind === "pipe" ? keys.pipeName : keys.path, encoder.encode(path));
      if (kind === "pipe") out.integer(keys.pipe, inodes[0]!, 0);
      out.integer(keys.count, this.countLow, 0);
      if (kind === "pipe") return;
      out.integer(keys.source, inodes[0]!, 0);
      out.integer(keys.destination, inodes[1]!, 0);
    },
    countLow: bytes.length + missing,
    countHigh: 0,
    contents: { bytes: around, start: 7, length: bytes.length },
  };
}

/** What is printed of it, as text without the hour. */
export class Told {
  readonly decoding: Decoding;
  readonly messages: Omit<Message, "event">[] = [];
  readonly #out = new Output(0);

  constructor(names: readonly string[] = protocols.map(({ name }) => name), choice: Partial<Choice> = {}) {
    const text = new Text();
    const all = { isShown: false, maxBytes: 0, slow: 0, errors: false, ...choice };
    this.decoding = new Decoding(decodersOf(names), all, {
      event: (event) => text.event(event, this.#out),
      message: (message) => {
        const { event: _, ...rest } = message;
        this.messages.push(rest);
        text.message(message, this.#out);
      },
    });
  }

  get lines(): string[] {
    const text = decoder.decode(this.#out.bytes.subarray(0, this.#out.length));
    return text === "" ? [] : text.trimEnd().split("\n");
  }
}

/** The lines of a whole conversation, and those of its end a second later. */
export function tell(
  all: readonly (Piece | Lost["kind"])[],
  where: Where = {},
  names?: readonly string[],
  choice?: Partial<Choice>,
): string[] {
  const told = new Told(names, choice);
  let at = 0;
  for (const one of all) {
    if (typeof one === "string") {
      told.decoding.lost({ kind: one, count: 1, reason: "ring_full", time: { seconds, nanoseconds: 0 } });
      continue;
    }
    at = one.at;
    told.decoding.event(eventOf(one, where));
  }
  const end = at + 1000;
  told.decoding.end({ seconds: seconds + Math.floor(end / 1000), nanoseconds: (end % 1000) * 1e6 });
  return told.lines;
}

/** The same lines without what is the same in each: `curl: GET /x, count 20`. */
export function brief(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line
      .replace(/^[\d:.]+ \S+ \d+\(([^)]*)\) > \d+\([^)]*\): /, "$1: ")
      .replace(/, (path|pipe_name) \S+(?=, )/, ""),
  );
}

/** Numbers that are the same every time. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** 0 to `most` - 1 */
  below(most: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % most;
  }
}

/** The same conversation, its pieces cut anew at random. */
export function recut(all: readonly Piece[], dice: Dice): Piece[] {
  return all.flatMap((piece) => {
    const cut: Piece[] = [];
    for (let at = 0; at < piece.bytes.length; ) {
      const length = 1 + dice.below(dice.below(2) === 0 ? 4 : piece.bytes.length);
      cut.push({ from: piece.from, at: piece.at, bytes: piece.bytes.subarray(at, at + length) });
      at += length;
    }
    const { missing } = piece;
    const last = cut.at(-1);
    if (missing !== undefined && last !== undefined) last.missing = missing;
    return cut;
  });
}

/** Changes a conversation: bytes, pieces, holes. What it is told must not throw, nor take long. */
export function mutate(all: readonly Piece[], dice: Dice): Piece[] {
  const cut = dice.below(2) === 0 ? all.map((piece) => ({ ...piece })) : recut(all, dice);
  for (let n = 1 + dice.below(4); n > 0; n--) {
    const piece = cut[dice.below(cut.length)];
    if (piece === undefined || piece.bytes.length === 0) continue;
    const bytes = piece.bytes.slice();
    const at = dice.below(bytes.length);
    const way = dice.below(6);
    if (way === 0) bytes[at] = dice.below(256);
    else if (way === 1) bytes[at]! ^= 1 << dice.below(8);
    else if (way === 2) bytes[at] = [0, 0xff, 0x7f, 0x80, 0x0a, 0x30, 0x39][dice.below(7)]!;
    else if (way === 3) piece.missing = dice.below(3000);
    piece.bytes = way === 4 ? bytes.subarray(0, at) : way === 5 ? bytes.subarray(at) : bytes;
  }
  return cut;
}

/** So many mutations of parts of a conversation, all of which are told: how many messages came of them. */
export function fuzz(all: readonly Piece[], count: number, where: Where, names?: readonly string[]): number {
  const dice = new Dice(count);
  const decoders = decodersOf(names ?? protocols.map(({ name }) => name));
  const choice = { isShown: false, maxBytes: 0, slow: 0, errors: false };
  const text = new Text();
  const out = new Output(0);
  let messages = 0;
  const message = (message: Message) => {
    messages++;
    out.clear();
    text.message(message, out);
  };
  for (let i = 0; i < count; i++) {
    const from = dice.below(all.length);
    const decoding = new Decoding(decoders, choice, { event: () => {}, message });
    for (const piece of mutate(all.slice(from, from + 1 + dice.below(4)), dice))
      decoding.event(eventOf(piece, where));
    decoding.end({ seconds: seconds + 10, nanoseconds: 0 });
  }
  return messages;
}

/** Numbers as bytes: `u32be(1)` is four of them. */
export function u32be(...numbers: number[]): string {
  return numbers.map((n) => String.fromCharCode(n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255)).join("");
}

export function u32(...numbers: number[]): string {
  return numbers.map((n) => String.fromCharCode(n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24)).join("");
}

/** What every decoder has to do with a conversation: these lines, however it is cut, and no byte left out. */
export function holds(
  all: readonly Piece[],
  lines: readonly string[],
  where: Where = {},
  names?: readonly string[],
): void {
  expect(brief(tell(all, where, names))).toEqual([...lines]);
  for (let seed = 1; seed <= 100; seed++)
    expect(brief(tell(recut(all, new Dice(seed)), where, names))).toEqual([...lines]);
  const counted = lines.reduce((sum, line) => sum + Number(/, count (\d+)/.exec(line)?.[1] ?? 0), 0);
  expect(counted).toBe(all.reduce((sum, { bytes }) => sum + bytes.length, 0));
}
