/**
 * Who holds the other end of a socket when the kernel side could not say: the process that is seen using it
 * a moment later, else the one that has it open, else the youngest of several, as a guess.
 */

import { whole } from "../../ffi/halves.ts";
import type { End, File } from "../event.ts";
import { AddressRecord, type UseRecord } from "../layout.ts";
import { Holders, type Opened } from "../proc/holders.ts";
import type { Listing } from "../proc/opened.ts";
import { Sockets } from "../proc/sockets.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Names } from "./names.ts";
import type { Paths } from "./paths.ts";
import { Remembered } from "./remembered.ts";
import { Renames } from "./renames.ts";

const most = 65536;
/** ns from the accept that is seen until the send that did not see it is timed */
const justBefore = 1e7;
const slash = 0x2f;
const dot = 0x2e;

/** Nobody is known to have used it. */
export const unknownUser = { tgid: 0, tag: 0 } as const;

interface Use {
  tgid: number;
  tag: number;
  /** CLOCK_BOOTTIME, ns */
  time: number;
}

/** A use that is a receipt by SCM_RIGHTS. */
interface Handover extends Use {
  /** of the receipt before it; 0: there was none */
  before: number;
}

/** An address of a unix socket, as it is printed, and the file that is bound to it. */
export interface Address {
  readonly text: Uint8Array;
  /** as it was bound, perhaps a relative path: so it stands in /proc/net/unix */
  readonly bound: Uint8Array;
  readonly file: File | null;
}

export class Owners {
  readonly holders: Holders;
  /** who has what open by now, for what nobody was seen to receive: what `holders` say may be the last drain's */
  readonly #latest: Holders;
  readonly files = new Sockets();
  readonly renames = new Renames();
  /** by inode: who used a socket last; its memory may serve another by the time this is asked */
  readonly #uses = new Remembered<Use>(most);
  /** by inode: who got a socket by SCM_RIGHTS last, and when (CLOCK_BOOTTIME, ns) */
  readonly #receipts = new Remembered<Handover>(most);
  /** by channel: the inode of the unix socket that was used there last, and when (CLOCK_BOOTTIME, ns) */
  readonly #sockets = new Remembered<{ inode: number; time: number }>(most);
  readonly #addresses = new Remembered<Address>(most);

  /**
   * @param deliveries null where the delivery of datagrams can't be hooked
   * @param isNested whether there may be processes that /proc does not show
   * @param listing null where the kernel has no iterator over open files
   */
  constructor(
    private readonly names: Names,
    readonly deliveries: Deliveries | null,
    isNested = false,
    listing: Listing | null = null,
  ) {
    this.holders = new Holders(isNested, listing);
    this.#latest = new Holders(isNested, listing);
  }

  /** Keeps a use_record. */
  use(record: UseRecord): void {
    const inode = whole(record.inodeLow, record.inodeHigh);
    const time = whole(record.timeLow, record.timeHigh);
    this.#sockets.set(keyOf(record.channelLow, record.channelHigh), { inode, time });
    if (record.received !== 0) {
      this.#uses.delete(inode);
      const before = this.#receipts.get(inode)?.time ?? 0;
      this.#receipts.set(inode, { tgid: record.whoTgid, tag: record.whoTag, time, before });
      return;
    }
    this.#uses.set(inode, { tgid: record.whoTgid, tag: record.whoTag, time });
  }

  /**
   * The inode of a unix socket that was accepted after that time (CLOCK_BOOTTIME, ns), or just before; 0: it was not
   * seen in use.
   */
  acceptedAs(channelLow: number, channelHigh: number, time: number): number {
    const socket = this.#sockets.get(keyOf(channelLow, channelHigh));
    return socket !== undefined && socket.time > time - justBefore ? socket.inode : 0;
  }

  /** Keeps the address of an address_record at a position of the ring, where `paths` have the path of its file. */
  address(record: AddressRecord, bytes: Uint8Array, paths: Paths, position: number): void {
    const start = record.at * 4 + AddressRecord.data.offset;
    const length = Math.min(record.length, AddressRecord.data.length);
    const text = printed(bytes.slice(start, start + length));
    const { device, inodeLow, inodeHigh, isFolder } = record;
    let address: Address = { text, bound: text, file: null };
    if (inodeLow !== 0 || inodeHigh !== 0) {
      const path = paths.find(device, inodeLow, inodeHigh, position);
      if (isFolder !== 0) address = { text: within(path, text), bound: text, file: null };
      else
        address = {
          text: text[0] === slash ? text : path,
          bound: text,
          file: { device, inodeLow, inodeHigh, path },
        };
    }
    this.#addresses.set(keyOf(record.keyLow, record.keyHigh), address);
  }

  /** The address that an event refers to, null when it was lost. */
  addressOf(low: number, high: number): Address | null {
    return this.#addresses.get(keyOf(low, high)) ?? null;
  }

  /** What is asked from here on is to be answered as of now; `isAgain`: but what is asked again as it was before. */
  refresh(isAgain: boolean): void {
    if (!isAgain) this.holders.refresh();
    this.#latest.refresh();
  }

  /** Whether it is known who held the socket at that time (CLOCK_BOOTTIME, ns), or that this will never be. */
  isKnown(inode: number, time: number): boolean {
    if (inode === 0 || this.holders.ofSocket(inode) !== null) return true;
    const use = this.#uses.get(inode);
    return use !== undefined && use.time > time;
  }

  /**
   * Fills `end` with the process that used a socket which all have closed by now; false when nobody was seen.
   * One that used it before the event (CLOCK_BOOTTIME, ns) only had closed it by then, or passed it on; one that
   * received it after that did not have it yet.
   */
  byUse(end: End, inode: number, time: number): boolean {
    const use = this.#uses.get(inode);
    if (use === undefined || use.time <= time) return false;
    const receipt = this.#receipts.get(inode);
    if (receipt !== undefined && receipt.time > time && receipt.tgid === use.tgid) return false;
    this.names.fill(end, use.tgid, use.tag);
    return true;
  }

  /**
   * The same where receipts of datagrams are not seen: who was passed the socket afterwards may have found the datagram
   * in it. Whoever it is, is a guess: he may have been made after the event.
   */
  mayHaveUsed(end: End, inode: number, time: number): boolean {
    const receipt = this.#receipts.get(inode);
    if (!this.byUse(end, inode, time)) {
      if (receipt === undefined || receipt.time <= time) return false;
      this.names.fill(end, receipt.tgid, receipt.tag);
    }
    end.guess = true;
    return true;
  }

  /**
   * Fills `end` with the process that has the socket open; false when nobody has, or had at the time of the
   * event (CLOCK_BOOTTIME, ns).
   */
  byOpening(end: End, inode: number, guess: boolean, time: number): boolean {
    const receipt = this.#receipts.get(inode);
    let without = -1;
    if (receipt !== undefined && receipt.time > time) {
      this.names.fill(end, receipt.tgid, receipt.tag);
      without = end.pid;
    }
    const found = inode === 0 ? null : this.holders.ofSocket(inode, without);
    // who was made after it has it from another, who may have received it first; so may who was passed it in between
    const isHanded =
      (found !== null && found.born > time) || (receipt !== undefined && receipt.before > time);
    if (!this.#fill(end, found, guess || isHanded, time)) return false;
    if (end.comm === found?.holder.comm) this.#nameAsUser(end, inode, time);
    return true;
  }

  /** Fills `end` with who was found, as he was called at that time (CLOCK_BOOTTIME, ns), or first of all. */
  #fill(end: End, found: Opened | null, guess: boolean, time: number): boolean {
    end.pid = found?.holder.pid ?? -1;
    end.comm =
      found === null ? null : (this.renames.at(end.pid, Math.max(time, found.born)) ?? found.holder.comm);
    end.guess = found !== null && (guess || found.guess);
    end.tag = 0;
    return found !== null;
  }

  /** Whom /proc may call otherwise by now, or not any more, has the name by which he used the socket after the event. */
  #nameAsUser(end: End, inode: number, time: number): void {
    const use = this.#uses.get(inode);
    if (use === undefined || use.time <= time) return;
    const { pid, guess } = end;
    if (this.names.find(use.tgid, use.tag)?.pid !== pid) return;
    this.names.fill(end, use.tgid, use.tag);
    end.guess = guess;
  }

  /**
   * Fills `end` with who is likeliest to receive what nobody was seen to: `last`, who used the socket last and has
   * it still (tgid 0: nobody), else the youngest that has it open; the sender only when there is no other. False when
   * nobody is.
   */
  guess(end: End, sender: End, last: { tgid: number; tag: number }, inode: number, time: number): boolean {
    this.names.recall(end, last.tgid, last.tag);
    if (inode !== 0 && (last.tgid === 0 || end.pid === sender.pid)) {
      const other = this.#latest.ofSocketNow(inode, sender.pid);
      if (other !== null) this.#fill(end, other, true, time);
      else if (last.tgid === 0 && !this.byUse(end, inode, time))
        this.#fill(end, this.#latest.ofSocketNow(inode), true, time);
    }
    end.guess = end.pid !== -1 || end.comm !== null;
    return end.guess;
  }

  /**
   * Fills `end` with who may read what nobody was seen to read at a side of pts/`index`, written at that time
   * (CLOCK_BOOTTIME, ns): a guess.
   */
  byTerminal(end: End, index: number, isMaster: boolean, sender: End, time: number): void {
    const latest = this.#latest;
    const found = latest.ofTerminal(index, isMaster, sender.pid) ?? latest.ofTerminal(index, isMaster);
    this.#fill(end, found, true, time);
  }
}

/** Addresses of the kernel and inodes alike fit 53 bits without their sign extension. */
function keyOf(low: number, high: number): number {
  return whole(low, high & 0x1f_ffff);
}

/** A relative path, made absolute by the folder that it was looked for in. */
function within(folder: Uint8Array, path: Uint8Array): Uint8Array {
  const isPlain = path[0] === dot && path[1] === slash;
  return new Uint8Array([
    ...folder,
    ...(folder.at(-1) === slash ? [] : [slash]),
    ...path.subarray(isPlain ? 2 : 0),
  ]);
}

/** sun_path: `@name` with every NUL as `@` when it is abstract, but for padding; else up to the first NUL */
function printed(bytes: Uint8Array): Uint8Array {
  const at = 0x40;
  if (bytes[0] === 0) {
    let length = bytes.length;
    while (length > 1 && bytes[length - 1] === 0) length--;
    return bytes.subarray(0, length).map((byte) => (byte === 0 ? at : byte));
  }
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}
