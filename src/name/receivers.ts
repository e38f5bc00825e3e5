/**
 * Who received what was sent where several processes might have: sends and receives of a channel cover ranges of
 * one count, and whose receive covers a send's first byte is its destination.
 */
import { whole } from "../../ffi/halves.ts";
import type { ReceiveRecord } from "../layout.ts";

/** receives of a channel that are kept: what was sent is asked for soon, or never */
const mostOfChannel = 32768;
/** ns between two looks for channels that have come to rest */
const rest = 1e9;

/** A receive, by who is known by these two numbers. */
export interface Receipt {
  readonly tgid: number;
  readonly tag: number;
  /** of the socket */
  readonly inode: number;
  /** another's receive covers the same: one of them it was */
  readonly guess: boolean;
  /** the positions that it covers, counted modulo 2^32 */
  readonly start: number;
  readonly count: number;
}

interface Range extends Receipt {
  /** CLOCK_BOOTTIME, ns */
  readonly time: number;
  guess: boolean;
}

/** The receives of one socket, by their beginnings: those of another that was in its memory count from elsewhere. */
interface Ranges {
  /** of the socket, 0: not known */
  readonly inode: number;
  readonly list: Range[];
}

export class Receivers {
  /** by channel, the latest socket's last */
  #channels = new Map<number, Ranges[]>();
  #swept = 0;

  /** @param longest ns that anything waits for its receiver */
  constructor(private readonly longest: number) {}

  /** Keeps a receive_record. */
  add(record: ReceiveRecord): void {
    const time = whole(record.timeLow, record.timeHigh);
    const range: Range = {
      tgid: record.whoTgid,
      tag: record.whoTag,
      inode: whole(record.inodeLow, record.inodeHigh),
      guess: false,
      start: record.position,
      count: record.count,
      time,
    };
    const list = this.#listOf(channelOf(record.channelLow, record.channelHigh), range.inode);
    let i = list.length;
    while (i > 0 && isBefore(range.start, list[i - 1]!.start)) i--;
    if (i > 0) doubt(list[i - 1]!, range);
    if (i < list.length) doubt(list[i]!, range);
    list.splice(i, 0, range);
    if (list.length > mostOfChannel) list.splice(0, mostOfChannel / 2);
  }

  #listOf(channel: number, inode: number): Range[] {
    const sockets = this.#channels.get(channel);
    const known = sockets?.findLast((ranges) => ranges.inode === inode);
    if (known !== undefined) return known.list;
    const list: Range[] = [];
    if (sockets === undefined) this.#channels.set(channel, [{ inode, list }]);
    else sockets.push({ inode, list });
    return list;
  }

  /**
   * Who received the byte, or message, at this position of a channel; null when nobody was seen to.
   * @param inode of the socket there, 0: not known
   */
  find(channelLow: number, channelHigh: number, position: number, inode: number): Receipt | null {
    const sockets = this.#channels.get(channelOf(channelLow, channelHigh));
    if (sockets === undefined) return null;
    for (let i = sockets.length - 1; i >= 0; i--) {
      const ranges = sockets[i]!;
      if (inode !== 0 && ranges.inode !== 0 && ranges.inode !== inode) continue;
      const receipt = findIn(ranges.list, position);
      if (receipt !== null) return receipt;
    }
    return null;
  }

  /**
   * Who received the first of so many bytes, whose positions are known no better than by these two, between which others'
   * may be: a guess if several received what is there. Null when nobody was seen to, or it is not all received yet.
   */
  findWithin(
    channelLow: number,
    channelHigh: number,
    position: number,
    end: number,
    count: number,
  ): Receipt | null {
    const first = this.find(channelLow, channelHigh, position, 0);
    if (first === null || (end - position) >>> 0 === count) return first;
    for (let next = first; ; ) {
      const behind = (next.start + next.count) >>> 0;
      if (!isBefore(behind, end)) return first;
      const receipt = this.find(channelLow, channelHigh, behind, 0);
      if (receipt === null) return null;
      if (receipt.tgid !== first.tgid || receipt.guess) return { ...first, guess: true };
      next = receipt;
    }
  }

  /**
   * Forgets what nothing waits for any more. To be called when all that was taken in has been asked for.
   * @param now CLOCK_BOOTTIME, ns: so far all is known
   */
  sweep(now: number): void {
    if (now - this.#swept <= this.longest + rest) return;
    this.#swept = now;
    for (const [channel, sockets] of this.#channels) {
      const fresh = sockets.filter(({ list }) => {
        const first = list.findIndex(({ time }) => now - time < this.longest + rest);
        list.splice(0, first < 0 ? list.length : first);
        return list.length > 0;
      });
      if (fresh.length === 0) this.#channels.delete(channel);
      else this.#channels.set(channel, fresh);
    }
  }
}

function findIn(list: readonly Range[], position: number): Receipt | null {
  let from = 0;
  let to = list.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (isBefore(position, list[middle]!.start)) to = middle;
    else from = middle + 1;
  }
  const range = list[from - 1];
  return range !== undefined && (position - range.start) >>> 0 < range.count ? range : null;
}

/** Positions are compared as they are counted, modulo 2^32. */
function isBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** Of two that took the same nobody can tell which did. */
function doubt(a: Range, b: Range): void {
  const overlap = (b.start - a.start) >>> 0 < a.count || (a.start - b.start) >>> 0 < b.count;
  if (!overlap || (a.tgid === b.tgid && a.tag === b.tag)) return;
  a.guess = true;
  b.guess = true;
}

/** Addresses of the kernel and hashes alike, as a number: 53 bits tell them apart. */
export function channelOf(low: number, high: number): number {
  return whole(low, high & 0x1f_ffff);
}
