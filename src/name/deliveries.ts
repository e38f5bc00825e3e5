/**
 * Datagrams that came to a socket on another's time than their sender's call, until the event of that
 * call is here: it says how many bytes went from where to where, and each datagram is one event's.
 */
import { whole } from "../../ffi/halves.ts";
import type { Contents } from "../event.ts";
import { UdpDeliveryRecord } from "../layout.ts";

export const portSpan = 0x1_0000;
/** ports that are kept, and datagrams for one: what nobody takes was sent by who is not traced */
const mostPorts = 4096;
const mostOfPort = 65536;
/** ns between a datagram's coming and its sender's event: a call may be kept from returning, as its datagram from coming */
export const longestDelay = 1e9;
/** ns between two looks for what nobody has taken */
const rest = 1e9;
/** ns between the copies of one */
const longestSpread = 2e7;

/** A datagram, and who got it. */
export interface Delivery {
  /** CLOCK_BOOTTIME, ns */
  time: number;
  length: number;
  /** 0: it was read before it could be looked at, and where it was sent is not known either */
  srcPort: number;
  /** the one it was sent to, else its receiver's own, which may be none: 32 hex digits, v4 mapped */
  address: string;
  /** the same for all who get one datagram */
  copyOf: number;
  /** its filter may have cut it: `length` is what is left */
  isFiltered: boolean;
  /** others than who used it last have the socket open as well */
  isGuess: boolean;
  /** of the socket, 0 when it was closed by then */
  inode: number;
  /** who used the socket last, tgid 0: nobody was seen */
  tgid: number;
  tag: number;
}

/** The event of a datagram that left. */
export interface Send {
  /** of the network namespace */
  net: number;
  srcPort: number;
  /** where to: 32 hex digits, v4 mapped */
  address: string;
  port: number;
  /** bytes */
  count: number;
  /** CLOCK_BOOTTIME, ns */
  time: number;
}

/** A send that was told with a delivery which may be another's: its own may still come. */
interface Loan {
  send: Send;
  /** in whose place that one is the other's */
  taken: Delivery;
}

export class Deliveries {
  /** those that no send has claimed, in the order they came */
  readonly #byPort = new Map<number, Delivery[]>();
  /** by the send that has, wherever its record is by now */
  readonly #claimed = new Map<string, Delivery[]>();
  /** by port, in the order they were told */
  readonly #loans = new Map<number, Loan[]>();
  #swept = 0;

  /** Keeps a udp_delivery_record; `bytes` is what its words are a view of. */
  add(record: UdpDeliveryRecord, bytes: Uint8Array): void {
    const { length, srcPort, copyOf, dstTgid: tgid, dstTag: tag } = record;
    const time = whole(record.timeLow, record.timeHigh);
    const inode = whole(record.dstInodeLow, record.dstInodeHigh);
    const start = record.at * 4 + UdpDeliveryRecord.dstAddress.offset;
    const address = bytes.subarray(start, start + UdpDeliveryRecord.dstAddress.length).toHex();
    const key = record.net * portSpan + record.dstPort;
    const here = this.#byPort.get(key) ?? [];
    if (here.length >= mostOfPort) here.shift();
    const isFiltered = record.isFiltered !== 0 && srcPort !== 0;
    const isGuess = record.isGuess !== 0;
    const came = { time, length, srcPort, address, copyOf, isFiltered, isGuess, inode, tgid, tag };
    here.push(this.#repaid(key, came) ?? came);
    if (this.#byPort.size >= mostPorts) this.#byPort.delete(this.#byPort.keys().next().value!);
    this.#byPort.set(key, here);
  }

  /**
   * What has come so far of a send: a datagram first, then its other pieces and its copies for other sockets. They
   * are this send's from now on: another one that asks before this has taken them must not count on the same.
   */
  claim(send: Send): readonly Delivery[] {
    const mine = this.#claimed.get(nameOf(send)) ?? [];
    const key = send.net * portSpan + send.port;
    const here = this.#byPort.get(key);
    if (here === undefined) return mine;
    if (mine.length === 0) {
      const first = indexOfFirst(here, send);
      if (first < 0) return mine;
      mine.push(...here.splice(first, 1));
      this.#claimed.set(nameOf(send), mine);
    }
    claimRest(mine, here, send);
    if (here.length === 0) this.#byPort.delete(key);
    return mine;
  }

  /** The same, one for each socket that got it. */
  receivers(send: Send): Delivery[] {
    const inodes = new Set<number>();
    return this.claim(send).filter(({ inode }) => inodes.size < inodes.add(inode).size);
  }

  /**
   * Forgets what nobody sent that is traced. Not sooner: what is taken in at once may be of any length of time.
   * To be called when all that was taken in has been asked for.
   * @param now CLOCK_BOOTTIME, ns: so far all is known
   */
  sweep(now: number): void {
    if (now - this.#swept < rest) return;
    this.#swept = now;
    for (const [key, here] of this.#byPort) {
      const fresh = here.findIndex(({ time }) => now - time < longestDelay + rest);
      here.splice(0, fresh < 0 ? here.length : fresh);
      if (here.length === 0) this.#byPort.delete(key);
    }
  }

  /** All of a send was told. */
  done(send: Send): void {
    const name = nameOf(send);
    const [taken] = this.#claimed.get(name) ?? [];
    this.#claimed.delete(name);
    if (taken === undefined || taken.srcPort !== 0 || mayHaveSeveral(send.address)) return;
    const key = send.net * portSpan + send.port;
    const loans = this.#loans.get(key) ?? [];
    loans.push({ send, taken });
    if (loans.length > mostOfPort) loans.shift();
    if (this.#loans.size >= mostPorts) this.#loans.delete(this.#loans.keys().next().value!);
    this.#loans.set(key, loans);
  }

  /** What a send took for its own, now that this came, which is: it is another's. */
  #repaid(key: number, came: Delivery): Delivery | null {
    const loans = this.#loans.get(key);
    if (loans === undefined || came.srcPort === 0) return null;
    const fresh = loans.findIndex(({ taken }) => came.time - taken.time < longestDelay);
    loans.splice(0, fresh < 0 ? loans.length : fresh);
    const i = loans.findIndex(({ send }) => send.count === came.length && fits(came, send));
    const [loan] = i < 0 ? [] : loans.splice(i, 1);
    if (loans.length === 0) this.#loans.delete(key);
    return loan?.taken ?? null;
  }
}

/** No two sends have it: one processor sends one datagram at a time. */
function nameOf({ time, net, srcPort, port, count, address }: Send): string {
  return `${time} ${net} ${srcPort} ${port} ${count} ${address}`;
}

function indexOfFirst(here: readonly Delivery[], send: Send): number {
  const exact = here.findIndex((delivery) => delivery.length === send.count && fits(delivery, send));
  if (exact >= 0) return exact;
  // fewer bytes: the kernel cut what was sent (UDP_SEGMENT)
  return here.findIndex((delivery) => delivery.length < send.count && fits(delivery, send));
}

/** Moves what belongs to the first of `mine` there. */
function claimRest(mine: Delivery[], here: Delivery[], send: Send): void {
  const first = mine[0]!;
  const pieces = mine.filter(({ inode }) => inode === first.inode);
  let missing = first.srcPort === 0 ? 0 : pieces.reduce((rest, { length }) => rest - length, send.count);
  for (let i = 0; i < here.length; ) {
    const next = here[i]!;
    if (next.time - first.time >= longestSpread) return;
    const isSame = next.inode === first.inode;
    const isPiece = isSame && missing > 0 && next.length <= missing && fits(next, send);
    // the next one to the same socket: all of this one came before
    if (isSame && !isPiece && next.time >= first.time && fits(next, send)) return;
    if (isPiece || (!isSame && fits(next, send) && isCopy(next, first, send))) {
      if (isPiece) missing -= next.length;
      mine.push(...here.splice(i, 1));
    } else {
      i++;
    }
  }
}

/** Of those that were read too early to be looked at nothing but the time says that they are copies. */
function isCopy(other: Delivery, first: Delivery, { address }: Send): boolean {
  if (first.srcPort !== 0 && other.srcPort !== 0) return other.copyOf === first.copyOf;
  return mayHaveSeveral(address) && Math.abs(other.time - first.time) < longestSpread;
}

function fits(delivery: Delivery, { srcPort, address, time }: Send): boolean {
  if (Math.abs(time - delivery.time) >= longestDelay) return false;
  if (delivery.srcPort === 0) return delivery.address === address || isUnspecified(delivery.address);
  return delivery.srcPort === srcPort && delivery.address === address;
}

/** What a socket is bound to that takes what is sent to any address. */
function isUnspecified(address: string): boolean {
  return /^0{20}(0000|ffff)0{8}$/.test(address);
}

/** Whether an address (32 hex digits, v4 mapped) is a group's, or looks like one for all of a network. */
export function mayHaveSeveral(address: string): boolean {
  return /^(ff|0{20}ffff(e|.{6}ff))/.test(address);
}

/** No more of the contents than a filter has left. */
export function cut(contents: Contents | null, count: number): Contents | null {
  return contents === null || contents.length <= count ? contents : { ...contents, length: count };
}
