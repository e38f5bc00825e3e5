/**
 * What Wireshark opens: each event as an IP packet that was never sent, its text line as the packet's comment. Who
 * speaks over loopback has the real addresses, others have made-up ones with the name of the process. What carries no
 * bytes is a journal entry.
 */
import { whole } from "../../ffi/halves.ts";
import { printable } from "../bytes/escape.ts";
import { Output } from "../bytes/output.ts";
import type { Carries, Event, Kind, Lost, Time } from "../event.ts";
import type { Identity } from "../identity.ts";
import {
  aligned,
  Block,
  BlockWriter,
  byteOrderMagic,
  count64,
  linkType,
  Option,
  padded,
} from "../pcapng/block.ts";
import { directionNow } from "../pcapng/openings.ts";
import { type Direction, headerLength, mostBytes, writePacket } from "../pcapng/packet.ts";
import { Stamp } from "../pcapng/time.ts";
import type { Format } from "./format.ts";
import { identityJson } from "./identity.ts";
import { type Route, Routes } from "./routes.ts";
import { Text } from "./text.ts";

/** the length that a packet whose bytes were not captured may claim */
const mostClaimed = 65_000;
const noContents = { bytes: new Uint8Array(0), start: 0, length: 0 };
/** packets at once, of an event that is so long */
const packetsAtOnce = 64;
const nanoseconds = Uint8Array.of(9);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** what the length of an option can say */
const mostComment = 65_535;

/** The journal's levels: information, warning. */
const information = 6;
const warning = 4;

/** What one kind's interface has to say. */
interface KindInterface {
  readonly id: number;
  readonly carries: Carries;
  events: number;
  lost: number;
  /** times that events were lost, of this kind or of one that can't be told */
  losses: number;
  /** lost since the last packet */
  drops: number;
}

export class Pcapng implements Format {
  readonly #blocks = new BlockWriter(new Output(0));
  readonly #text: Text;
  readonly #routes: Routes;
  readonly #who = new Output(4096);
  readonly #line = new Output(4096);
  readonly #stamp = new Stamp();
  readonly #interfaces = new Map<Kind, KindInterface>();
  #started: { high: number; low: number } | null = null;
  #packet = 0;

  /**
   * @param carried by each of the kinds that may come, in the order of their interfaces
   * @param tells whether it says who the ends are, in a comment of its own
   */
  constructor(
    carried: ReadonlyMap<Kind, Carries>,
    private readonly tells = false,
  ) {
    this.#text = new Text({ tells, isRecorded: true });
    this.#routes = new Routes(this.#text);
    let id = 0;
    for (const [kind, carries] of carried)
      this.#interfaces.set(kind, { id: id++, carries, events: 0, lost: 0, losses: 0, drops: 0 });
  }

  header(out: Output): void {
    const blocks = this.#blocks;
    blocks.begin(out, Block.SECTION);
    blocks.word(byteOrderMagic);
    blocks.halves(1, 0); // version 1.0
    blocks.word(0xffff_ffff); // whatever length
    blocks.word(0xffff_ffff);
    this.#string(
      Option.COMMENT,
      "IP, TCP and UDP headers are made up by ipcdump; bytes, times and names are what was seen",
    );
    this.#string(Option.SECTION_SYSTEM, "Linux");
    this.#string(Option.SECTION_PROGRAM, "ipcdump");
    blocks.word(Option.END);
    blocks.end();
    for (const [kind] of this.#interfaces) {
      blocks.begin(out, Block.INTERFACE);
      blocks.halves(linkType, 0);
      blocks.word(0); // no limit
      this.#string(Option.INTERFACE_NAME, kind);
      this.#string(Option.INTERFACE_DESCRIPTION, `ipcdump ${kind}, headers made up`);
      blocks.option(Option.INTERFACE_RESOLUTION, nanoseconds, 0, 1);
      blocks.word(Option.END);
      blocks.end();
    }
  }

  event(event: Event, out: Output): void {
    this.#stamp.set(event.time);
    this.#started ??= { high: this.#stamp.high, low: this.#stamp.low };
    const own = this.#interfaces.get(event.kind);
    if (own === undefined) return;
    own.events++;
    if (this.tells) this.#identify(event);
    if (own.carries === "nothing") this.#journal(event, out);
    else this.#packets(event, own, out);
  }

  lost(lost: Lost, out: Output): void {
    const line = this.#line;
    line.clear();
    this.#text.lostLine(lost, line);
    this.#stamp.set(lost.time);
    for (const [kind, own] of this.#interfaces) {
      if (kind === lost.kind || lost.kind === "unknown") own.losses++;
      if (kind !== lost.kind) continue;
      own.lost += lost.count;
      own.drops += lost.count;
    }
    this.#entry(lost.time, warning, "", out);
  }

  /** How many there were and how many were lost, by kind. */
  end(time: Time, out: Output): void {
    const stamp = this.#stamp;
    stamp.set(time);
    const blocks = this.#blocks;
    for (const { id, events, lost } of this.#interfaces.values()) {
      blocks.begin(out, Block.STATISTICS);
      blocks.word(id);
      blocks.word(stamp.high);
      blocks.word(stamp.low);
      if (this.#started !== null) blocks.pair(Option.STATISTICS_START, this.#started.high, this.#started.low);
      blocks.pair(Option.STATISTICS_END, stamp.high, stamp.low);
      blocks.count(Option.STATISTICS_RECEIVED, events);
      blocks.count(Option.STATISTICS_DROPPED, lost);
      blocks.word(Option.END);
      blocks.end();
    }
  }

  /** One packet, or as many as it takes. */
  #packets(event: Event, own: KindInterface, out: Output): void {
    const route = this.#routes.of(event, this.#blocks, out);
    const direction = directionNow(route.direction, event.contents);
    if (direction.losses !== own.losses) {
      // bytes of this stream may be among what was lost: nobody shall join what is not known to belong together
      direction.losses = own.losses;
      direction.next = (direction.next + 1) >>> 0;
    }
    this.#packet++;
    if (this.#one(event, own, route, direction, 0, out)) return;
    let done = mostBytes;
    out.pieces(() => {
      const until = done + packetsAtOnce * mostBytes;
      for (; done < until; done += mostBytes)
        if (this.#one(event, own, route, direction, done, out)) return false;
      return true;
    });
  }

  /** The packet of the bytes from `done` on. The last one, for which it answers true, claims what was not captured. */
  #one(
    event: Event,
    own: KindInterface,
    { isCounted, front, behind }: Route,
    direction: Direction,
    done: number,
    out: Output,
  ): boolean {
    const { bytes, start, length } = event.contents ?? noContents;
    const count = whole(event.countLow, event.countHigh);
    const part = Math.min(length - done, mostBytes);
    const isLast = done + part >= length;
    const claimed = isLast ? Math.max(part, Math.min(mostClaimed, count - done)) : part;
    // TCP for bytes without borders, UDP for messages
    const isStream = own.carries === "stream";
    const captured = headerLength(direction, isStream) + part;
    const { src } = event;
    const digits = this.#line;
    digits.clear();
    if (isCounted) digits.unsigned64(event.countLow, event.countHigh);
    const comment = front.length + digits.length + behind.length;
    const options =
      (own.drops > 0 ? 12 : 0) +
      12 +
      (src.pid > 0 ? 12 : 0) +
      4 +
      padded(comment) +
      4 +
      (this.tells ? 4 + padded(this.#who.length) : 0);
    const total = 28 + padded(captured) + options + 4;
    out.ensure(total);
    const { view } = out;
    let at = out.length;
    view.setUint32(at, Block.PACKET, true);
    view.setUint32(at + 4, total, true);
    view.setUint32(at + 8, own.id, true);
    view.setUint32(at + 12, this.#stamp.high, true);
    view.setUint32(at + 16, this.#stamp.low, true);
    view.setUint32(at + 20, captured, true);
    view.setUint32(at + 24, captured - part + claimed, true);
    out.length = at + 28;
    writePacket(out, direction, isStream, claimed, bytes, start + done, part);
    at = out.length;
    if (own.drops > 0) at = count64(view, at, Option.PACKET_DROPS, own.drops);
    own.drops = 0;
    at = count64(view, at, Option.PACKET_ID, this.#packet);
    if (src.pid > 0) {
      view.setUint32(at, Option.PACKET_PROCESS | (8 << 16), true);
      view.setUint32(at + 4, src.pid, true);
      view.setUint32(at + 8, 0, true);
      at += 12;
    }
    view.setUint32(at, Option.COMMENT | (comment << 16), true);
    out.length = at + 4;
    out.literal(front);
    out.copy(digits.bytes, 0, digits.length);
    out.literal(behind);
    at = aligned(out);
    if (this.tells) {
      view.setUint32(at, Option.COMMENT | (this.#who.length << 16), true);
      out.length = at + 4;
      out.copy(this.#who.bytes, 0, this.#who.length);
      at = aligned(out);
    }
    view.setUint32(at, Option.END, true);
    view.setUint32(at + 4, total, true);
    out.length = at + 8;
    direction.next = (direction.next + (isLast ? count - done : part)) >>> 0;
    return isLast;
  }

  /** `{"src":{…},"dst":{…}}`; a comment has no room for the longest arguments */
  #identify({ src, dst }: Event): void {
    const [source, destination] = [src.who ?? null, dst.who ?? null];
    this.#writeIdentities(source, destination);
    if (this.#who.length > mostComment)
      this.#writeIdentities(withoutArguments(source), withoutArguments(destination));
  }

  #writeIdentities(source: Identity | null, destination: Identity | null): void {
    const out = this.#who;
    out.clear();
    out.string('{"src":');
    identityJson(source, out, true);
    out.string(',"dst":');
    identityJson(destination, out, true);
    out.string("}");
  }

  #journal(event: Event, out: Output): void {
    const { src, dst, time } = event;
    this.#line.clear();
    this.#text.line(event, this.#line);
    const name = (comm: Uint8Array | null) => (comm === null ? "<unknown>" : printable(comm));
    const ends = `_COMM=${name(src.comm)}\nOBJECT_COMM=${name(dst.comm)}\n`;
    const source = src.pid > 0 ? `_PID=${src.pid}\n` : "";
    const destination = dst.pid > 0 ? `OBJECT_PID=${dst.pid}\n` : "";
    const who = this.tells
      ? `IPCDUMP_WHO=${decoder.decode(this.#who.bytes.subarray(0, this.#who.length))}\n`
      : "";
    this.#entry(time, information, `${source}${destination}${ends}${who}`, out);
  }

  /** A journal entry whose message is the line; the journal's own time has microseconds only. */
  #entry({ seconds, nanoseconds }: Time, priority: number, fields: string, out: Output): void {
    const micros = `${seconds}${String(Math.floor(nanoseconds / 1000)).padStart(6, "0")}`;
    const blocks = this.#blocks;
    blocks.begin(out, Block.JOURNAL);
    out.string(`__REALTIME_TIMESTAMP=${micros}\nMESSAGE=`);
    out.copy(this.#line.bytes, 1, this.#line.length);
    out.string(`\nPRIORITY=${priority}\nSYSLOG_IDENTIFIER=ipcdump\n${fields}`);
    out.string(`IPCDUMP_NANOSECONDS=${nanoseconds % 1000}\n`);
    blocks.pad();
    blocks.end();
  }

  #string(code: number, text: string): void {
    const bytes = encoder.encode(text);
    this.#blocks.option(code, bytes, 0, bytes.length);
  }
}

function withoutArguments(who: Identity | null): Identity | null {
  return who === null ? null : { ...who, args: [], isCut: true };
}
