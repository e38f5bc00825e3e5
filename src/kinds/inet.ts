import { highHalf, whole } from "../../ffi/halves.ts";
import { type End, type Event, key, type Meta, nobody, type Scene } from "../event.ts";
import { EventFlags, LoopbackRecord } from "../layout.ts";
import { Addresses, AddressField } from "../name/addresses.ts";
import { cut, type Deliveries, mayHaveSeveral, portSpan, type Send } from "../name/deliveries.ts";
import { Looks } from "../name/looks.ts";
import { type Owners, unknownUser } from "../name/owners.ts";
import type { Receipt } from "../name/ranges.ts";
import { channelOf } from "../name/receivers.ts";
import { serviceName } from "../name/services.ts";
import type { Entry, Reader, Tools } from "./kind.ts";
import { Scenes } from "./scene.ts";

const keys = {
  srcAddr: key("src_addr", "text"),
  srcPort: key("src_port", "integer"),
  srcServ: key("src_serv", "text"),
  dstAddr: key("dst_addr", "text"),
  dstPort: key("dst_port", "integer"),
  dstServ: key("dst_serv", "text"),
  dstInode: key("dst_inode", "integer"),
  count: key("count", "integer"),
  natAddr: key("nat_addr", "text"),
  natPort: key("nat_port", "integer"),
};

/** What is sent between two internet sockets of this host. */
export class InetReader implements Reader {
  readonly #tools: Tools;
  readonly #record: LoopbackRecord;
  readonly #protocol: "tcp" | "udp";
  readonly #source: AddressField;
  readonly #destination: AddressField;
  readonly #translated: AddressField;
  /** by channel */
  readonly #looks = new Looks();
  #inode = 0;
  #count = 0;

  constructor(tools: Tools, protocol: "tcp" | "udp") {
    this.#tools = tools;
    this.#protocol = protocol;
    this.#record = new LoopbackRecord(tools.words);
    const addresses = new Addresses();
    this.#source = new AddressField(tools.words, LoopbackRecord.srcAddress.offset, addresses);
    this.#destination = new AddressField(tools.words, LoopbackRecord.dstAddress.offset, addresses);
    this.#translated = new AddressField(tools.words, LoopbackRecord.natAddress.offset, addresses);
  }

  isReady(at: number): boolean {
    const record = this.#record;
    record.at = at;
    if ((record.flags & EventFlags.EVENT_OPEN) !== 0) {
      if (this.#receipt() !== null) return true;
      this.#lookEarly();
      return false;
    }
    if (record.dstTgid !== 0) return true;
    const { owners } = this.#tools;
    if (!this.#waitsForDelivery(owners)) return owners.isKnown(this.#inodeThere, this.#time);
    const send = this.#send();
    const [first] = owners.deliveries.claim(send);
    // copies for others may still be on their way
    if (first === undefined || mayHaveSeveral(send.address)) return false;
    return first.tgid !== 0 || owners.isKnown(first.inode, send.time);
  }

  looksUp(at: number): boolean {
    const record = this.#record;
    record.at = at;
    if (record.dstTgid !== 0 || (record.flags & EventFlags.EVENT_OPEN) !== 0) return false;
    const { owners } = this.#tools;
    if (!this.#waitsForDelivery(owners)) return this.#dstInode !== 0 || this.#protocol === "tcp";
    const [first] = owners.deliveries.claim(this.#send());
    return first !== undefined && first.tgid === 0 && first.inode !== 0;
  }

  isGuessable(at: number): boolean {
    const record = this.#record;
    record.at = at;
    if ((record.flags & EventFlags.EVENT_OPEN) === 0) return true;
    this.#inode = this.#dstInode;
    const [src, dst] = [this.#sender(), nobody()];
    const isFound = this.#guessHolder(src, dst);
    if (isFound) this.#looks.note(this.#channel, this.#time, dst);
    return isFound || this.#guessListener(src, dst);
  }

  isUnderWay(at: number): boolean {
    const record = this.#record;
    record.at = at;
    const { owners } = this.#tools;
    if (!this.#waitsForDelivery(owners)) return false;
    // where nobody is it comes to nobody
    return owners.deliveries.claim(this.#send()).length === 0 && this.#other() !== null;
  }

  channel(at: number): number {
    const record = this.#record;
    record.at = at;
    // whose a datagram is that came to a port is told by those before it
    if (this.#waitsForDelivery(this.#tools.owners)) return -(record.net * 0x1_0000 + record.dstPort);
    return whole(record.srcInodeLow, record.srcInodeHigh);
  }

  #sender(): End {
    const sender = nobody();
    this.#tools.names.fill(sender, this.#record.srcTgid, this.#record.srcTag);
    return sender;
  }

  /** of the connection, and of one direction */
  get #channel(): number {
    return channelOf(this.#record.channelLow, this.#record.channelHigh);
  }

  /** Keeps who has the other end, when nobody is known to have used it. */
  #lookEarly(): void {
    const [inode, time] = [this.#dstInode, this.#time];
    if (this.#record.dstTgid !== 0 || inode === 0 || !this.#looks.isDue(this.#channel, time)) return;
    const end = nobody();
    this.#tools.owners.guess(end, this.#sender(), unknownUser, inode, time);
    this.#looks.keep(this.#channel, time, end);
  }

  #receipt(): Readonly<Receipt> | null {
    const { channelLow, channelHigh, position, end, count } = this.#record;
    // the numbers are those of the connection, whichever memory its socket is in
    return this.#tools.receivers.findWithin(channelLow, channelHigh, position, end, count, 0);
  }

  /** Whether the record is of a datagram whose receiver is told by a udp_delivery_record. */
  #waitsForDelivery(owners: Owners): owners is Owners & { deliveries: Deliveries } {
    return owners.deliveries !== null && (this.#record.flags & EventFlags.SEND_TO_ADDRESS) !== 0;
  }

  #send(): Send {
    const { at, net, srcPort, dstPort: port, count } = this.#record;
    const address = this.#destination.bytes(at).toHex();
    return { net, srcPort, address, port, count, time: this.#time };
  }

  /** CLOCK_BOOTTIME, ns */
  get #time(): number {
    return whole(this.#record.timeLow, this.#record.timeHigh);
  }

  get #dstInode(): number {
    return whole(this.#record.dstInodeLow, this.#record.dstInodeHigh);
  }

  /** Of the socket at the other end; that of MPTCP from before tracing is not known to the kernel side. */
  get #inodeThere(): number {
    return this.#dstInode || (this.#protocol === "tcp" ? (this.#other()?.inode ?? 0) : 0);
  }

  read(entry: Entry, event: Event, emit: () => boolean): void {
    const record = this.#record;
    record.at = entry.at;
    const { srcTgid, srcTag } = record;
    const { names, owners } = this.#tools;
    names.fill(event.src, srcTgid, srcTag);
    event.meta = this.#meta;
    this.#count = record.count;
    event.countLow = record.count;
    event.countHigh = 0;
    event.contents = entry.contents;
    if (!this.#waitsForDelivery(owners)) {
      this.#inode = this.#dstInode;
      if (!this.#findReceiver(event)) return;
      event.scene = this.#scene();
      emit();
      return;
    }
    const send = this.#send();
    for (const { inode, tgid, tag, isFiltered, isGuess, length } of owners.deliveries.receivers(send)) {
      this.#inode = inode;
      this.#count = isFiltered ? Math.min(record.count, length) : record.count;
      event.countLow = this.#count;
      event.contents = cut(entry.contents, this.#count);
      this.#nameReceiver(event.dst, tgid, tag, isGuess);
      event.scene = this.#scene();
      if (!emit()) return;
    }
    owners.deliveries.done(send);
  }

  #scene(): Scene | null {
    const { at, srcPort, dstPort, natPort } = this.#record;
    if (natPort !== 0) return null;
    const ports = srcPort * portSpan + dstPort;
    return this.#scenes.of(this.#source.text(at), this.#destination.text(at), ports, this.#inode, 0);
  }

  /** false: nobody receives this, so it is no event */
  #findReceiver({ src, dst }: Event): boolean {
    const record = this.#record;
    const { names, owners } = this.#tools;
    const { dstTgid, dstTag } = record;
    if ((record.flags & EventFlags.EVENT_OPEN) !== 0) {
      const receipt = this.#receipt();
      if (receipt === null) {
        const isFound = this.#guessHolder(src, dst) || this.#looks.recall(dst, this.#channel, this.#time);
        if (!isFound) this.#guessListener(src, dst);
        return true;
      }
      names.fill(dst, receipt.tgid, receipt.tag);
      dst.guess = receipt.guess;
      if (receipt.inode !== 0) this.#inode = receipt.inode;
      return true;
    }
    if (dstTgid !== 0 || this.#inode !== 0) {
      this.#nameReceiver(dst, dstTgid, dstTag, (record.flags & EventFlags.EVENT_DST_GUESS) !== 0);
      return true;
    }
    const found = this.#other();
    if (found === null && (record.flags & EventFlags.SEND_TO_ADDRESS) !== 0) return false;
    this.#inode = found === null || found.guess ? 0 : found.inode;
    // MPTCP: who has it by now was not seen to have had it alone
    const isGuess = found?.guess === true || this.#protocol === "tcp";
    if (!owners.byOpening(dst, found?.inode ?? 0, isGuess, this.#time) && found !== null)
      owners.mayHaveUsed(dst, found.inode, this.#time);
    return true;
  }

  /** Who has the other end and may receive what nobody was seen to; false: nobody is known. */
  #guessHolder(src: End, dst: End): boolean {
    const { dstTgid: tgid, dstTag: tag } = this.#record;
    const other = this.#inode === 0 ? this.#other() : null;
    if (other?.guess === false) this.#inode = other.inode;
    const inode = this.#inode || (other?.inode ?? 0);
    return this.#tools.owners.guess(dst, src, { tgid, tag }, inode, this.#time);
  }

  /** Who listens there: nobody has what accept has not returned yet. */
  #guessListener(src: End, dst: End): boolean {
    const { dstTgid: tgid, dstTag: tag } = this.#record;
    return this.#tools.owners.guess(dst, src, { tgid, tag }, this.#listener(), this.#time);
  }

  /** The socket at the other end, or the one that listens there. */
  #other() {
    const { at, net, srcPort, dstPort } = this.#record;
    const source = this.#source.bytes(at).toHex();
    const destination = this.#destination.bytes(at).toHex();
    return this.#tools.owners.files[this.#protocol](net, destination, dstPort, source, srcPort);
  }

  /** The inode of who listens where the connection was made to; 0: nobody does. */
  #listener(): number {
    const { at, net, dstPort } = this.#record;
    return (
      this.#tools.owners.files.tcpListener(net, this.#destination.bytes(at).toHex(), dstPort)?.inode ?? 0
    );
  }

  /** The process seen using the socket, else one that is found to have it: `#inode`, 0 when nobody can have it. */
  #nameReceiver(dst: End, tgid: number, tag: number, isGuess: boolean): void {
    const { names, owners } = this.#tools;
    if (tgid !== 0) {
      names.fill(dst, tgid, tag);
      dst.guess = isGuess;
    } else if (!owners.byOpening(dst, this.#inode, isGuess, this.#time) && this.#inode !== 0) {
      owners.mayHaveUsed(dst, this.#inode, this.#time);
    }
  }

  readonly #meta = (out: Meta): void => {
    const record = this.#record;
    const { srcPort, dstPort } = record;
    out.text(keys.srcAddr, this.#source.text(record.at));
    out.integer(keys.srcPort, srcPort, 0);
    out.text(keys.srcServ, serviceName(srcPort, this.#protocol));
    out.text(keys.dstAddr, this.#destination.text(record.at));
    out.integer(keys.dstPort, dstPort, 0);
    out.text(keys.dstServ, serviceName(dstPort, this.#protocol));
    out.integer(keys.dstInode, this.#inode >>> 0, highHalf(this.#inode));
    out.integer(keys.count, this.#count, 0);
    if (record.natPort === 0) return;
    out.text(keys.natAddr, this.#translated.text(record.at));
    out.integer(keys.natPort, record.natPort, 0);
  };
  readonly #scenes = new Scenes(this.#meta);
}
