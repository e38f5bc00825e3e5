import { highHalf, whole } from "../../ffi/halves.ts";
import { type End, type Event, type Kind as KindName, key, type Meta } from "../event.ts";
import { EventFlags, Kind, LoopbackRecord } from "../layout.ts";
import { type Deliveries, mayHaveSeveral, type Send } from "../name/deliveries.ts";
import type { Owners } from "../name/owners.ts";
import { serviceName } from "../name/services.ts";
import { callHooks, requestHooks, withoutRequests } from "./hooks.ts";
import type { Entry, KindModule, Reader, Tools } from "./kind.ts";

const keys = {
  srcAddr: key("src_addr", "text"),
  srcPort: key("src_port", "integer"),
  srcServ: key("src_serv", "text"),
  dstAddr: key("dst_addr", "text"),
  dstPort: key("dst_port", "integer"),
  dstServ: key("dst_serv", "text"),
  dstInode: key("dst_inode", "integer"),
  count: key("count", "integer"),
};
const addressLength = 16;
const encoder = new TextEncoder();
const kept = 4096;

/** The address that was printed last, and how. */
interface Printed {
  readonly words: Uint32Array;
  text: Uint8Array;
}

/** Of `::`, which nobody sends from or to, so that the first address is another one. */
function blankPrinted(): Printed {
  return { words: new Uint32Array(addressLength / 4), text: encoder.encode("::") };
}

class LoopbackReader implements Reader {
  readonly #tools: Tools;
  readonly #record: LoopbackRecord;
  readonly #protocol: "tcp" | "udp";
  readonly #bytes: Uint8Array;
  #printed = new Map<string, Uint8Array>();
  readonly #source = blankPrinted();
  readonly #destination = blankPrinted();
  #inode = 0;

  constructor(tools: Tools, protocol: "tcp" | "udp") {
    this.#tools = tools;
    this.#protocol = protocol;
    this.#record = new LoopbackRecord(tools.words);
    this.#bytes = new Uint8Array(tools.words.buffer, tools.words.byteOffset, tools.words.byteLength);
  }

  isReady(at: number): boolean {
    const record = this.#record;
    record.at = at;
    if (record.dstTgid !== 0) return true;
    const { owners } = this.#tools;
    if (!this.#waitsForDelivery(owners)) return owners.isKnown(this.#dstInode, this.#time);
    const send = this.#send();
    const [first] = owners.deliveries.claim(send);
    // copies for others may still be on their way
    if (first === undefined || mayHaveSeveral(send.address)) return false;
    return first.tgid !== 0 || owners.isKnown(first.inode, send.time);
  }

  looksUp(at: number): boolean {
    const record = this.#record;
    record.at = at;
    if (record.dstTgid !== 0) return false;
    const { owners } = this.#tools;
    if (!this.#waitsForDelivery(owners)) return this.#dstInode !== 0;
    const [first] = owners.deliveries.claim(this.#send());
    return first !== undefined && first.tgid === 0 && first.inode !== 0;
  }

  /** Whether the record is of a datagram whose receiver is told by a udp_delivery_record. */
  #waitsForDelivery(owners: Owners): owners is Owners & { deliveries: Deliveries } {
    return owners.deliveries !== null && (this.#record.flags & EventFlags.SEND_TO_ADDRESS) !== 0;
  }

  #send(): Send {
    const { at, net, srcPort, dstPort: port, count } = this.#record;
    const address = hex(this.#address(LoopbackRecord.dstAddress.offset));
    return { at, net, srcPort, address, port, count, time: this.#time };
  }

  /** CLOCK_BOOTTIME, ns */
  get #time(): number {
    return whole(this.#record.timeLow, this.#record.timeHigh);
  }

  get #dstInode(): number {
    return whole(this.#record.dstInodeLow, this.#record.dstInodeHigh);
  }

  read(entry: Entry, event: Event, emit: () => boolean): void {
    const record = this.#record;
    record.at = entry.at;
    const { srcTgid, srcTag } = record;
    const { names, owners } = this.#tools;
    names.fill(event.src, srcTgid, srcTag);
    event.meta = this.#meta;
    event.countLow = record.count;
    event.countHigh = 0;
    event.contents = entry.contents;
    if (!this.#waitsForDelivery(owners)) {
      this.#inode = this.#dstInode;
      if (this.#findReceiver(event)) emit();
      return;
    }
    const send = this.#send();
    for (const { inode, tgid, tag } of owners.deliveries.receivers(send)) {
      this.#inode = inode;
      this.#nameReceiver(event.dst, tgid, tag);
      if (!emit()) return;
    }
    owners.deliveries.done(send);
  }

  /** false: nobody receives this, so it is no event */
  #findReceiver({ dst }: Event): boolean {
    const record = this.#record;
    const { owners } = this.#tools;
    const { dstTgid, dstTag, net, srcPort, dstPort } = record;
    if (dstTgid !== 0 || this.#inode !== 0) {
      this.#nameReceiver(dst, dstTgid, dstTag);
      return true;
    }
    const source = hex(this.#address(LoopbackRecord.srcAddress.offset));
    const destination = hex(this.#address(LoopbackRecord.dstAddress.offset));
    const found = owners.files[this.#protocol](net, destination, dstPort, source, srcPort);
    if (found === null && (record.flags & EventFlags.SEND_TO_ADDRESS) !== 0) return false;
    this.#inode = found === null || found.guess ? 0 : found.inode;
    owners.byOpening(dst, found?.inode ?? 0, found?.guess ?? false, this.#time);
    return true;
  }

  /** Whoever was seen using the socket, else who is found to have it: `#inode`, 0 when nobody can have it. */
  #nameReceiver(dst: End, tgid: number, tag: number): void {
    const { names, owners } = this.#tools;
    if (tgid !== 0) {
      names.fill(dst, tgid, tag);
      dst.guess = (this.#record.flags & EventFlags.EVENT_DST_GUESS) !== 0;
    } else if (!owners.byOpening(dst, this.#inode, false, this.#time) && this.#inode !== 0) {
      owners.byUse(dst, this.#inode, this.#time);
    }
  }

  #address(offset: number): Uint8Array {
    const start = this.#record.at * 4 + offset;
    return this.#bytes.subarray(start, start + addressLength);
  }

  /** An address as people write it; made once each, and not even looked up while it stays the same. */
  #text(offset: number, last: Printed): Uint8Array {
    const { words } = this.#tools;
    const at = this.#record.at + offset / 4;
    const old = last.words;
    // unrolled: as a loop this took a third of a TCP line's time
    const isSame =
      words[at + 3] === old[3] &&
      words[at + 2] === old[2] &&
      words[at + 1] === old[1] &&
      words[at] === old[0];
    return isSame ? last.text : this.#print(offset, last);
  }

  #print(offset: number, last: Printed): Uint8Array {
    const bytes = this.#address(offset);
    const name = hex(bytes);
    let text = this.#printed.get(name);
    if (text === undefined) {
      if (this.#printed.size >= kept) this.#printed = new Map();
      text = encoder.encode(printAddress(bytes));
      this.#printed.set(name, text);
    }
    new Uint8Array(last.words.buffer).set(bytes);
    last.text = text;
    return text;
  }

  readonly #meta = (out: Meta): void => {
    const record = this.#record;
    const { srcPort, dstPort } = record;
    out.text(keys.srcAddr, this.#text(LoopbackRecord.srcAddress.offset, this.#source));
    out.integer(keys.srcPort, srcPort, 0);
    out.text(keys.srcServ, serviceName(srcPort, this.#protocol));
    out.text(keys.dstAddr, this.#text(LoopbackRecord.dstAddress.offset, this.#destination));
    out.integer(keys.dstPort, dstPort, 0);
    out.text(keys.dstServ, serviceName(dstPort, this.#protocol));
    out.integer(keys.dstInode, this.#inode >>> 0, highHalf(this.#inode));
    out.integer(keys.count, record.count, 0);
  };
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** `127.0.0.1` for v4 and v4-mapped, RFC 5952 for IPv6 */
export function printAddress(bytes: Uint8Array): string {
  const mapped =
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (mapped) return bytes.subarray(12).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  const zeros = [...groups.join(":").matchAll(/\b0(?::0\b)+/g)].sort((a, b) => b[0].length - a[0].length)[0];
  const text = groups.join(":");
  if (zeros === undefined) return text;
  const before = text.slice(0, zeros.index).replace(/:$/, "");
  const after = text.slice(zeros.index + zeros[0].length).replace(/^:/, "");
  return `${before}::${after}`;
}

function loopbackKind(
  name: KindName,
  aliases: readonly string[],
  shows: string,
  id: number,
  protocol: "tcp" | "udp",
): KindModule {
  return {
    name,
    aliases,
    shows,
    id,
    size: LoopbackRecord.size,
    hooks: {
      ...callHooks,
      loopback_fail: ["udp_fail_queue_rcv_skb"],
      loopback_ready: ["sk_data_ready", "sock_def_readable"],
      ...requestHooks,
    },
    optional: { loopback_ready: null, ...withoutRequests },
    blind: {},
    reader: (tools) => new LoopbackReader(tools, protocol),
  };
}

export const loopbackTcp = loopbackKind(
  "loopback-tcp",
  ["lt"],
  "bytes sent over TCP within this host",
  Kind.KIND_LOOPBACK_TCP,
  "tcp",
);
export const loopbackUdp = loopbackKind(
  "loopback-udp",
  ["lu"],
  "a datagram that a socket of this host receives",
  Kind.KIND_LOOPBACK_UDP,
  "udp",
);
