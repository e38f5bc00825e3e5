/**
 * What `-f pcapng` wrote, as events again. The comment of a packet says everything but its time and its bytes; an
 * event that was too long for one packet is in several, of one packet id.
 */
import { whole } from "../../ffi/halves.ts";
import { blankEvent, type Event, type Lost } from "../event.ts";
import { Block, linkType, Option } from "./block.ts";
import { type RecordedEnds, RecordedIdentities } from "./identities.ts";
import { Lines } from "./line.ts";
import { mostBytes } from "./packet.ts";
import { bytesOf, eachOption, type Read } from "./read.ts";
import { timeOf } from "./time.ts";

const microseconds = 1e6;
const decoder = new TextDecoder();
const encoder = new TextEncoder();
const noId = -1;
/** the last second of the year 9999: later ones have no date */
const lastSecond = 253_402_300_799;
/** interfaces of a section, and bytes of an event: more than anybody writes */
const mostInterfaces = 65_536;
const mostContents = 1024 ** 3;

/** Who gets what is read; each is good for the call only. */
export interface RecordingListener {
  event(event: Event): void;
  lost(lost: Lost): void;
}

interface InterfaceBlock {
  /** whether its packets begin with an IP header */
  readonly isOurs: boolean;
  /** its times are in units of 1/`resolution` seconds */
  readonly resolution: number;
}

export class Recording {
  /** packets and journal entries that ipcdump did not write */
  foreign = 0;
  /** where the first of them was */
  firstForeign = -1;
  events = 0;
  readonly #lines: Lines;
  readonly #identities = new RecordedIdentities();
  readonly #listener: RecordingListener;
  #interfaces: InterfaceBlock[] = [];
  readonly #event = blankEvent();
  readonly #lost: Lost = { kind: "unknown", count: 0, reason: "fault", time: { seconds: 0, nanoseconds: 0 } };
  readonly #contents = { bytes: new Uint8Array(64 * 1024), start: 0, length: 0 };
  /** of the event that is being put together */
  #packet = noId;
  #isPending = false;

  constructor(kinds: ReadonlySet<string>, listener: RecordingListener) {
    this.#lines = new Lines(kinds);
    this.#listener = listener;
  }

  /** Takes in a block; what becomes of it goes to the listener, at the latest with the next one. */
  add(block: Read): void {
    if (block.type === Block.PACKET) {
      this.#addPacket(block);
      return;
    }
    this.finish();
    if (block.type === Block.SECTION) this.#interfaces = [];
    else if (block.type === Block.INTERFACE) this.#addInterface(block);
    else if (block.type === Block.JOURNAL) this.#addJournal(block);
  }

  /** Nothing more belongs to the last event. */
  finish(): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    this.#packet = noId;
    this.#emit();
  }

  #emit(): void {
    this.events++;
    this.#listener.event(this.#event);
  }

  #addInterface(block: Read): void {
    const { body, isLittle } = block;
    if (body.byteLength < 8 || this.#interfaces.length >= mostInterfaces) return;
    let resolution = microseconds;
    eachOption(block, 8, (code, at, length) => {
      if (code !== Option.INTERFACE_RESOLUTION || length < 1) return;
      const power = body.getUint8(at);
      resolution = (power & 0x80) === 0 ? 10 ** Math.min(power, 9) : 2 ** Math.min(power & 0x7f, 30);
    });
    this.#interfaces.push({ isOurs: body.getUint16(0, isLittle) === linkType, resolution });
  }

  #addPacket(block: Read): void {
    if (!this.#takePacket(block)) this.#skip(block);
  }

  /** false: it is none of ours */
  #takePacket(block: Read): boolean {
    const { body, isLittle } = block;
    if (body.byteLength < 20) return false;
    const own = this.#interfaces[body.getUint32(0, isLittle)];
    const captured = body.getUint32(12, isLittle);
    if (own === undefined || !own.isOurs || captured > body.byteLength - 20) return false;
    let comment: Uint8Array | null = null;
    let packet = noId;
    let ends: RecordedEnds | null = null;
    eachOption(block, 20 + captured + ((4 - (captured % 4)) % 4), (code, at, length) => {
      if (code === Option.COMMENT && comment === null) comment = bytesOf(block, at, length);
      else if (code === Option.COMMENT)
        ends ??= this.#identities.read(decoder.decode(bytesOf(block, at, length)));
      if (code === Option.PACKET_ID && length === 8)
        packet = whole(
          body.getUint32(at + (isLittle ? 0 : 4), isLittle),
          body.getUint32(at + (isLittle ? 4 : 0), isLittle),
        );
    });
    const header = headerOf(body, captured);
    if (comment === null || header === 0) return false;
    const isMore = this.#isPending && packet !== noId && packet === this.#packet;
    if (isMore && this.#contents.length + captured > mostContents) return false;
    if (!isMore) {
      this.finish();
      if (!this.#lines.read(comment, this.#event, ends)) return false;
      timeOf(body.getUint32(4, isLittle), body.getUint32(8, isLittle), own.resolution, this.#event.time);
      if (this.#event.time.seconds > lastSecond) return false;
      this.#contents.length = 0;
      this.#event.contents = this.#contents;
      this.#packet = packet;
      this.#isPending = true;
    }
    this.#append(bytesOf(block, 20 + header, captured - header));
    // else the event may go on in the next packet
    if (body.getUint32(16, isLittle) - header < mostBytes) this.finish();
    return true;
  }

  #append(bytes: Uint8Array): void {
    const contents = this.#contents;
    const length = contents.length + bytes.length;
    if (length > contents.bytes.length) {
      const larger = new Uint8Array(length * 2);
      larger.set(contents.bytes.subarray(0, contents.length));
      contents.bytes = larger;
    }
    contents.bytes.set(bytes, contents.length);
    contents.length = length;
  }

  #addJournal(block: Read): void {
    const fields = new Map<string, string>();
    for (const line of decoder.decode(bytesOf(block, 0, block.body.byteLength)).split("\n")) {
      const at = line.indexOf("=");
      if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1));
    }
    const micros = /^(\d{1,10})(\d{6})$/.exec(fields.get("__REALTIME_TIMESTAMP") ?? "");
    const ends = this.#identities.read(fields.get("IPCDUMP_WHO") ?? "");
    const message = encoder.encode(fields.get("MESSAGE") ?? "");
    const time = {
      seconds: Number(micros?.[1]),
      nanoseconds: Number(micros?.[2]) * 1000 + (Number(fields.get("IPCDUMP_NANOSECONDS") ?? 0) % 1000 || 0),
    };
    if (micros === null) {
      this.#skip(block);
    } else if (this.#lines.readLost(message, this.#lost)) {
      this.#lost.time = time;
      this.#listener.lost(this.#lost);
    } else if (this.#lines.read(message, this.#event, ends)) {
      this.#event.time = time;
      this.#event.contents = null;
      this.#emit();
    } else {
      this.#skip(block);
    }
  }

  #skip({ offset }: Read): void {
    this.finish();
    this.foreign++;
    if (this.firstForeign < 0) this.firstForeign = offset;
  }
}

/** The length of a packet's headers, 0 when they are none of ours. */
function headerOf(body: DataView, captured: number): number {
  if (captured < 28) return 0;
  const version = body.getUint8(20) >> 4;
  const ip = version === 4 ? 20 : version === 6 ? 40 : captured;
  if (ip + 8 > captured) return 0;
  const protocol = body.getUint8(20 + (version === 4 ? 9 : 6));
  const length = ip + (protocol === 6 ? 20 : protocol === 17 ? 8 : captured);
  return length <= captured ? length : 0;
}
