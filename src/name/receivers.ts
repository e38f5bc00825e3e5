/**
 * Who received what was sent where several processes might have: sends and receives of a channel cover ranges of
 * one count, and whose receive covers a send's first byte is its destination.
 */
import { whole } from "../../ffi/halves.ts";
import type { ReceiveRecord } from "../layout.ts";
import { isBefore, Ranges, type Receipt } from "./ranges.ts";

/** ns between two looks for channels that have come to rest */
const rest = 1e9;

export class Receivers {
  /** by channel, the latest socket's last */
  #channels = new Map<number, Ranges[]>();
  readonly #found: Receipt = { tgid: 0, tag: 0, inode: 0, guess: false, start: 0, count: 0 };
  #swept = 0;

  /** @param longest ns that anything waits for its receiver */
  constructor(private readonly longest: number) {}

  /** Keeps a receive_record. */
  add(record: ReceiveRecord): void {
    const inode = whole(record.inodeLow, record.inodeHigh);
    this.#rangesOf(channelOf(record.channelLow, record.channelHigh), inode).add(record);
  }

  #rangesOf(channel: number, inode: number): Ranges {
    const sockets = this.#channels.get(channel);
    const known = sockets?.findLast((ranges) => ranges.inode === inode);
    if (known !== undefined) return known;
    const ranges = new Ranges(inode);
    if (sockets === undefined) this.#channels.set(channel, [ranges]);
    else sockets.push(ranges);
    return ranges;
  }

  /**
   * Who received the byte, or message, at this position of a channel; null when nobody was seen to. What is returned
   * holds until the next question.
   * @param inode of the socket there, 0: not known
   */
  find(channelLow: number, channelHigh: number, position: number, inode: number): Readonly<Receipt> | null {
    const sockets = this.#channels.get(channelOf(channelLow, channelHigh));
    if (sockets === undefined) return null;
    for (let i = sockets.length - 1; i >= 0; i--) {
      const ranges = sockets[i]!;
      if (inode !== 0 && ranges.inode !== 0 && ranges.inode !== inode) continue;
      if (ranges.find(this.#found, position)) return this.#found;
    }
    return null;
  }

  /**
   * Who received the first of so many bytes, whose positions are known no better than by these two, between which others'
   * may be: a guess if several received what is there. Null when nobody was seen to, or it is not all received yet.
   * @param inode as above
   */
  findWithin(
    channelLow: number,
    channelHigh: number,
    position: number,
    end: number,
    count: number,
    inode: number,
  ): Readonly<Receipt> | null {
    const found = this.find(channelLow, channelHigh, position, inode);
    if (found === null || (end - position) >>> 0 === count) return found;
    const first = { ...found };
    for (let next: Readonly<Receipt> = first; ; ) {
      const behind = (next.start + next.count) >>> 0;
      if (!isBefore(behind, end)) return first;
      const receipt = this.find(channelLow, channelHigh, behind, inode);
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
      const fresh = sockets.filter((ranges) => ranges.forget(now - this.longest - rest));
      if (fresh.length === 0) this.#channels.delete(channel);
      else this.#channels.set(channel, fresh);
    }
  }
}

/** Addresses of the kernel and hashes alike, as a number: 53 bits tell them apart. */
export function channelOf(low: number, high: number): number {
  return whole(low, high & 0x1f_ffff);
}
