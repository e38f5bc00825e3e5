/**
 * Datagrams that came to a socket on another's time than their sender's call, until the event of that
 * call is here: it says how many bytes went from where to where, and each datagram is one event's.
 */
import { ArrivalRecord } from "./layout.ts";

const half = 0x1_0000_0000;
const portSpan = 0x1_0000;
/** ports that are kept, and datagrams for one: what nobody takes was sent by who is not traced */
const mostPorts = 4096;
const mostOfPort = 1024;
/** ns that a datagram waits for its sender's event */
const longestWait = 1e9;
/** ns between the copies of one */
const longestDelivery = 2e7;

/** A datagram, and who got it. */
export interface Arrival {
  /** CLOCK_BOOTTIME, ns */
  time: number;
  length: number;
  /** 0: it was read before it could be looked at, and `address` is not known either */
  srcPort: number;
  /** the one it was sent to: 32 hex digits, v4 mapped */
  address: string;
  /** the same for all who get one datagram */
  copyOf: number;
  /** of the socket, 0 when it was closed by then */
  inode: number;
  /** who used the socket last, tgid 0: nobody was seen */
  tgid: number;
  tag: number;
  /** time of the send that it was found to be of, 0: none yet */
  reservedBy: number;
}

/** Where a datagram went, as its sender knows it. */
export interface Destination {
  /** of the network namespace */
  net: number;
  srcPort: number;
  /** 32 hex digits, v4 mapped */
  address: string;
  port: number;
}

export class Arrivals {
  readonly #byPort = new Map<number, Arrival[]>();

  /** Keeps an arrival_record; `bytes` is what its words are a view of. */
  add(record: ArrivalRecord, bytes: Uint8Array): void {
    const { length, srcPort, copyOf, dstTgid: tgid, dstTag: tag } = record;
    const time = record.timeLow + record.timeHigh * half;
    const inode = record.dstInodeLow + record.dstInodeHigh * half;
    const start = record.at * 4 + ArrivalRecord.dstAddress.offset;
    const address = bytes.subarray(start, start + ArrivalRecord.dstAddress.length).toHex();
    const key = record.net * portSpan + record.dstPort;
    const here = (this.#byPort.get(key) ?? []).filter((old) => time - old.time < longestWait);
    if (here.length >= mostOfPort) here.shift();
    here.push({ time, length, srcPort, address, copyOf, inode, tgid, tag, reservedBy: 0 });
    if (this.#byPort.size >= mostPorts) this.#byPort.delete(this.#byPort.keys().next().value!);
    this.#byPort.set(key, here);
  }

  /**
   * The first datagram of a send of `count` bytes, null when none has come. It is this send's from now on: another
   * one that asks before this has taken it must not count on the same.
   * @param time of the send, CLOCK_BOOTTIME in ns
   */
  reserve(to: Destination, count: number, time: number): Arrival | null {
    const fitting = this.#fitting(to, time);
    const found =
      fitting.find(({ reservedBy }) => reservedBy === time) ??
      fitting.find(({ length }) => length === count) ??
      // fewer bytes: the kernel cut what was sent (UDP_SEGMENT)
      fitting.find(({ length }) => length < count);
    if (found === undefined) return null;
    found.reservedBy = time;
    return found;
  }

  /** The same for each socket that got it, whole; nobody else gets these. */
  take(to: Destination, count: number, time: number): Arrival[] {
    const first = this.reserve(to, count, time);
    if (first === null) return [];
    this.#remove(to, first);
    if (first.srcPort !== 0) this.#takePieces(to, first, count, time);
    const others = this.#fitting(to, time).filter(({ inode }) => inode !== first.inode);
    // of those that were read too early to be looked at nothing but the time says that they are copies
    const copies = others.filter((other) =>
      first.srcPort === 0 || other.srcPort === 0
        ? mayHaveSeveral(to.address) && Math.abs(other.time - first.time) < longestDelivery
        : other.copyOf === first.copyOf,
    );
    for (const copy of copies) this.#remove(to, copy);
    return [first, ...copies];
  }

  #takePieces(to: Destination, first: Arrival, count: number, time: number): void {
    let missing = count - first.length;
    for (const piece of this.#fitting(to, time)) {
      if (missing === 0) break;
      if (piece.inode !== first.inode || piece.length > missing) continue;
      this.#remove(to, piece);
      missing -= piece.length;
    }
  }

  #fitting({ net, srcPort, address, port }: Destination, time: number): Arrival[] {
    const here = this.#byPort.get(net * portSpan + port) ?? [];
    return here.filter(
      (arrival) =>
        time - arrival.time < longestWait &&
        (arrival.reservedBy === 0 || arrival.reservedBy === time) &&
        (arrival.srcPort === 0 || (arrival.srcPort === srcPort && arrival.address === address)),
    );
  }

  #remove({ net, port }: Destination, arrival: Arrival): void {
    const key = net * portSpan + port;
    const rest = (this.#byPort.get(key) ?? []).filter((other) => other !== arrival);
    if (rest.length > 0) this.#byPort.set(key, rest);
    else this.#byPort.delete(key);
  }
}

/** Whether an address (32 hex digits, v4 mapped) is a group's, or looks like one for all of a network. */
export function mayHaveSeveral(address: string): boolean {
  return /^(ff|0{20}ffff(e|.{6}ff))/.test(address);
}
