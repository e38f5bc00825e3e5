import type { Channel, Channels } from "../../ffi/channel.ts";
import { highHalf, whole } from "../../ffi/halves.ts";
import { type End, type Event, type Kind as KindName, key, type Meta, nobody, type Scene } from "../event.ts";
import { EventFlags, Kind, UnixRecord } from "../layout.ts";
import { Looks } from "../name/looks.ts";
import { type Address, unknownUser } from "../name/owners.ts";
import type { Passing } from "../name/passed.ts";
import type { Receipt } from "../name/ranges.ts";
import { channelOf } from "../name/receivers.ts";
import { unixFunctions, withoutUnixFunctions } from "./functions.ts";
import { blindByCalls, socketHooks, withinCalls, withoutSocketHooks } from "./hooks.ts";
import { type Entry, type KindModule, type Reader, type Tools, through } from "./kind.ts";
import { Scenes } from "./scene.ts";

const path = key("path", "text", true);
const count = key("count", "integer");
const sourceInode = key("src_inode", "integer");
const destinationInode = key("dst_inode", "integer");
const sourcePath = key("src_path", "text");
const passed = key("fds", "passed");
const anonymous = named("<anonymous>");
/** of a socket that has an address, which was lost */
const unknown = named("<unknown>");

class UnixReader implements Reader {
  readonly #tools: Tools;
  readonly #record: UnixRecord;
  /** by channel */
  readonly #looks = new Looks();
  #address = anonymous;
  /** of the sender, where it is another one */
  #source: Address | null = null;
  #inode = 0;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#record = new UnixRecord(tools.words);
  }

  isReady(at: number): boolean {
    const record = this.#record;
    record.at = at;
    if (this.#passing()?.isReceived === false) return false;
    if ((record.flags & EventFlags.EVENT_OPEN) !== 0) {
      if (this.#receipt() !== null) return true;
      this.#lookEarly();
      return false;
    }
    if (record.dstTgid !== 0) return true;
    return this.#tools.owners.isKnown(whole(record.dstInodeLow, record.dstInodeHigh), this.#time);
  }

  looksUp(at: number): boolean {
    const record = this.#record;
    record.at = at;
    if ((record.flags & EventFlags.EVENT_OPEN) !== 0) return false;
    return record.dstTgid === 0 && (record.dstInodeLow !== 0 || record.dstInodeHigh !== 0);
  }

  isGuessable(at: number): boolean {
    const record = this.#record;
    record.at = at;
    const { flags } = record;
    if ((flags & EventFlags.EVENT_OPEN) === 0 || (flags & EventFlags.SEND_UNHELD) !== 0) return true;
    this.#look();
    const [src, dst] = [this.#sender(), nobody()];
    const isFound = this.#guessHolder(src, dst);
    if (isFound) this.#looks.note(this.#channel, this.#time, dst);
    return isFound || this.#guessListener(src, dst);
  }

  channel(at: number): number {
    const record = this.#record;
    record.at = at;
    return whole(record.srcInodeLow, record.srcInodeHigh);
  }

  /** The descriptors that go along, null for none. */
  #passing(): Passing | null {
    const { flags, thread, timeLow, timeHigh } = this.#record;
    return (flags & EventFlags.SEND_PASSES) === 0 ? null : this.#tools.passed.of(thread, timeLow, timeHigh);
  }

  /** CLOCK_BOOTTIME, ns */
  get #time(): number {
    return whole(this.#record.timeLow, this.#record.timeHigh);
  }

  /** of the socket it was sent to */
  get #channel(): number {
    return channelOf(this.#record.channelLow, this.#record.channelHigh);
  }

  #sender(): End {
    const sender = nobody();
    this.#tools.names.fill(sender, this.#record.srcTgid, this.#record.srcTag);
    return sender;
  }

  /** Keeps who has the other end, when nobody is known to have used it. */
  #lookEarly(): void {
    const { dstTgid, dstInodeLow, dstInodeHigh } = this.#record;
    const inode = whole(dstInodeLow, dstInodeHigh);
    if (dstTgid !== 0 || inode === 0 || !this.#looks.isDue(this.#channel, this.#time)) return;
    const end = nobody();
    this.#tools.owners.guess(end, this.#sender(), unknownUser, inode, this.#time);
    this.#looks.keep(this.#channel, this.#time, end);
  }

  /** As positions count. */
  get #length(): number {
    return this.#record.kind === Kind.KIND_UNIX_STREAM ? this.#record.count : 1;
  }

  #receipt(): Readonly<Receipt> | null {
    const { channelLow, channelHigh, position, end, dstInodeLow, dstInodeHigh } = this.#record;
    const inode = whole(dstInodeLow, dstInodeHigh);
    return this.#tools.receivers.findWithin(channelLow, channelHigh, position, end, this.#length, inode);
  }

  read(entry: Entry, event: Event, emit: () => boolean): void {
    const record = this.#record;
    const { names } = this.#tools;
    record.at = entry.at;
    const { srcTgid, srcTag, flags } = record;
    const isFromBound = (flags & EventFlags.SEND_FROM_BOUND) !== 0;
    this.#look();
    this.#source = isFromBound ? this.#addressOf(record.srcAddressLow, record.srcAddressHigh) : null;
    names.fill(event.src, srcTgid, srcTag);
    this.#findReceiver(event);
    event.meta = this.#meta;
    event.scene = this.#scene();
    event.countLow = record.count;
    event.countHigh = 0;
    event.contents = entry.contents;
    emit();
  }

  #scene(): Scene | null {
    const { flags, srcInodeLow, srcInodeHigh } = this.#record;
    if ((flags & EventFlags.SEND_PASSES) !== 0) return null;
    return this.#scenes.of(this.#address, this.#source, srcInodeLow, srcInodeHigh, this.#inode);
  }

  /** Which socket receives, and by which address, as far as the record says. */
  #look(): void {
    const { flags, addressLow, addressHigh, dstInodeLow, dstInodeHigh } = this.#record;
    const isBound = (flags & EventFlags.SEND_BOUND) !== 0;
    this.#address = isBound ? this.#addressOf(addressLow, addressHigh) : anonymous;
    this.#inode = whole(dstInodeLow, dstInodeHigh);
  }

  #addressOf(low: number, high: number): Address {
    const address = this.#tools.owners.addressOf(low, high);
    return address === null || address.text.length === 0 ? unknown : address;
  }

  #findReceiver({ src, dst }: Event): void {
    const record = this.#record;
    const { names, owners } = this.#tools;
    const time = this.#time;
    const { dstTgid, dstTag, net, flags } = record;
    if ((flags & EventFlags.EVENT_OPEN) !== 0) {
      const receipt = this.#receipt();
      if (receipt !== null) {
        names.fill(dst, receipt.tgid, receipt.tag);
        dst.guess = receipt.guess;
        if (receipt.inode !== 0) this.#inode = receipt.inode;
        return;
      }
      if ((flags & EventFlags.SEND_UNHELD) !== 0) {
        names.fill(dst, 0, 0);
        return;
      }
      const isFound = this.#guessHolder(src, dst) || this.#looks.recall(dst, this.#channel, this.#time);
      if (!isFound) this.#guessListener(src, dst);
      return;
    }
    if (dstTgid !== 0) {
      names.fill(dst, dstTgid, dstTag);
      return;
    }
    if (this.#inode !== 0) {
      if (!owners.byOpening(dst, this.#inode, false, time)) owners.byUse(dst, this.#inode, time);
      return;
    }
    const found = owners.files.unix(net, new TextDecoder().decode(this.#address.bound));
    this.#inode = found?.inode ?? 0;
    owners.byOpening(dst, this.#inode, found?.guess ?? false, time);
  }

  /** Who has the other end and may receive what nobody was seen to; false: nobody is known. */
  #guessHolder(src: End, dst: End): boolean {
    const { owners } = this.#tools;
    const { channelLow, channelHigh, dstTgid: tgid, dstTag: tag } = this.#record;
    const inode = this.#inode || owners.acceptedAs(channelLow, channelHigh, this.#time);
    return inode !== 0 && owners.guess(dst, src, { tgid, tag }, inode, this.#time);
  }

  /** Who listens there: nobody has what accept has not returned yet. */
  #guessListener(src: End, dst: End): boolean {
    const { dstTgid: tgid, dstTag: tag, net } = this.#record;
    return this.#tools.owners.guess(dst, src, { tgid, tag }, this.#listener(net), this.#time);
  }

  /** The inode of who listens where the connection was made to, for one that is not accepted. */
  #listener(net: number): number {
    return (
      this.#tools.owners.files.unixListener(net, new TextDecoder().decode(this.#address.bound))?.inode ?? 0
    );
  }

  readonly #meta = (out: Meta): void => {
    const record = this.#record;
    const { text, file } = this.#address;
    const source = this.#source;
    out.text(path, text);
    out.integer(count, record.count, 0);
    out.integer(sourceInode, record.srcInodeLow, record.srcInodeHigh);
    out.integer(destinationInode, this.#inode >>> 0, highHalf(this.#inode));
    if (source !== null) out.text(sourcePath, source.text);
    const passing = this.#passing();
    if (passing !== null) out.passed?.(passed, passing.files);
    if (out.file === undefined) return;
    if (file !== null) out.file(file);
    if (source !== null && source.file !== null) out.file(source.file);
  };
  readonly #scenes = new Scenes(this.#meta);
}

function named(name: string): Address {
  const text = new TextEncoder().encode(name);
  return { text, bound: text, file: null };
}

function unixKind(
  name: KindName,
  aliases: readonly string[],
  shows: string,
  id: number,
  open: (channels: Channels) => Channel,
): KindModule {
  return {
    name,
    aliases,
    group: ["unix", "u"],
    shows,
    carries: name === "unix-stream" ? "stream" : "messages",
    id,
    size: UnixRecord.size,
    hooks: {
      ...socketHooks,
      ...unixFunctions,
      unix_ready: ["sk_data_ready", "sock_def_readable"],
    },
    optional: {
      unix_ready: null,
      ...withoutSocketHooks,
      ...withoutUnixFunctions,
    },
    within: withinCalls,
    blind: blindByCalls,
    reader: (tools) => new UnixReader(tools),
    trial: (channels) => through(open(channels)),
  };
}

export const kinds: readonly KindModule[] = [
  unixKind("unix-stream", ["us"], "bytes sent on a stream socket", Kind.KIND_UNIX_STREAM, (channels) =>
    channels.unixStream(),
  ),
  unixKind("unix-dgram", ["ud"], "a datagram queued at its receiver", Kind.KIND_UNIX_DGRAM, (channels) =>
    channels.unixDgram(),
  ),
  unixKind(
    "unix-seqpacket",
    ["uq"],
    "a packet queued at its receiver",
    Kind.KIND_UNIX_SEQPACKET,
    (channels) => channels.unixSeqpacket(),
  ),
];
