/** From an event to the packet's addresses, ports and sequence numbers: one flow for each direction of a channel. */
import { latin1 } from "../bytes/latin1.ts";
import type { Output } from "../bytes/output.ts";
import { same } from "../bytes/same.ts";
import type { End, Event } from "../event.ts";
import { ChannelPlace } from "../place.ts";
import { ProcessAddresses } from "./addresses.ts";
import type { BlockWriter } from "./block.ts";
import { parseAddress } from "./inet.ts";
import { isMysqlAnswer } from "./openings.ts";
import { type Direction, directed } from "./packet.ts";
import { dbusHandshakePort, dbusPort, mysqlPort, portOf, privatePort, privatePorts } from "./ports.ts";

/** channels kept twice over; one that is met again after so many others is a new one */
const mostKept = 65_536;
/** flows found last; a power of two */
const slots = 1024;
const nothing = new Uint8Array(0);
/** more than most channels carry, and not so far that it were a step back */
const roundStep = 2 ** 28;

/** A pipe, a connection, a terminal, a queue: whatever has two sides. */
interface Conversation {
  /** how to know the side that was seen sending first: by its socket, else by its address */
  readonly firstInode: number;
  firstAddress: Uint8Array;
  readonly firstPort: number;
  readonly otherPort: number;
  /** of the first byte of each direction */
  readonly firstNumber: number;
  /** addresses of unknown ends */
  unknownSource: Uint8Array | null;
  unknownDestination: Uint8Array | null;
  /** by the names of addresses and port */
  readonly directions: Map<string, Direction>;
}

/** A direction and all by which an event of it is known again. */
interface Slot {
  kind: string;
  place: Uint8Array | null;
  source: Uint8Array | null;
  destination: Uint8Array | null;
  a: number;
  b: number;
  srcPid: number;
  srcComm: Uint8Array | null;
  dstPid: number;
  dstComm: Uint8Array | null;
  srcTag: number;
  dstTag: number;
  direction: Direction;
}

export class Flows {
  readonly #facts = new ChannelPlace();
  readonly #addresses = new ProcessAddresses();
  #young = new Map<string, Conversation>();
  #old = new Map<string, Conversation>();
  readonly #slots: (Slot | undefined)[] = new Array<Slot | undefined>(slots).fill(undefined);
  /** by path: the address that was connected to */
  readonly #servers = new Map<string, Uint8Array>();
  /** channels that were given ports */
  #given = 0;

  /** The direction an event went in. Names of new addresses go to `out`. */
  of(event: Event, blocks: BlockWriter, out: Output): Direction {
    const facts = this.#facts;
    facts.read(event);
    const { src, dst, kind } = event;
    const a = facts.source === null ? facts.sourceInode + facts.object : facts.sourcePort;
    const b = facts.source === null ? facts.destinationInode : facts.destinationPort;
    const at = (Math.imul(a, 31) + b * 7 + src.pid * 17 + dst.pid) & (slots - 1);
    const slot = this.#slots[at];
    if (
      slot !== undefined &&
      slot.a === a &&
      slot.b === b &&
      slot.srcPid === src.pid &&
      slot.dstPid === dst.pid &&
      slot.srcComm === src.comm &&
      slot.dstComm === dst.comm &&
      slot.place === facts.name &&
      slot.source === facts.source &&
      slot.destination === facts.destination &&
      slot.srcTag === (src.tag ?? 0) &&
      slot.dstTag === (dst.tag ?? 0) &&
      slot.kind === kind
    ) {
      return slot.direction;
    }
    const direction = facts.source === null ? this.#ofObject(event, blocks, out) : this.#ofInternet(event);
    this.#slots[at] = {
      kind,
      place: facts.name,
      source: facts.source,
      destination: facts.destination,
      a,
      b,
      srcPid: src.pid,
      srcComm: src.comm,
      dstPid: dst.pid,
      dstComm: dst.comm,
      srcTag: src.tag ?? 0,
      dstTag: dst.tag ?? 0,
      direction,
    };
    return direction;
  }

  /** Over loopback the addresses are those that the programs see. */
  #ofInternet({ kind }: Event): Direction {
    const { source, destination, sourcePort, destinationPort } = this.#facts;
    const from = source ?? nothing;
    const to = destination ?? nothing;
    const ends = [`${latin1(from)} ${sourcePort}`, `${latin1(to)} ${destinationPort}`];
    const channel = this.#channel(`${kind} ${ends.sort().join(" ")}`, 0, from, sourcePort, destinationPort);
    let [sourceAddress, destinationAddress] = [parseAddress(from), parseAddress(to)];
    if (sourceAddress.length !== destinationAddress.length) {
      sourceAddress = mapped(sourceAddress);
      destinationAddress = mapped(destinationAddress);
    }
    return this.#direction(channel, sourceAddress, destinationAddress, sourcePort, destinationPort);
  }

  #ofObject(event: Event, blocks: BlockWriter, out: Output): Direction {
    const facts = this.#facts;
    const { kind, src, dst } = event;
    const { sourceInode, destinationInode, name: place } = facts;
    const isUnix = sourceInode !== 0 || destinationInode !== 0;
    const isConnected = isUnix && kind !== "unix-dgram";
    const names = isConnected
      ? [sourceInode, destinationInode].filter((inode) => inode !== 0).map((inode) => `${kind} ${inode}`)
      : [
          isUnix
            ? `${kind} ${Math.min(sourceInode, destinationInode)} ${Math.max(sourceInode, destinationInode)}`
            : `${kind} ${facts.object} ${latin1(place ?? nothing)}`,
        ];
    const known = names.map((name) => this.#find(name)).find((channel) => channel !== undefined);
    const source = isUnknown(src) ? null : this.#addresses.of(src, blocks, out);
    const destination = isUnknown(dst) ? null : this.#addresses.of(dst, blocks, out);
    const channel = known ?? this.#open(event, source, destination);
    for (const name of names) if (!this.#young.has(name)) this.#keep(name, channel);
    const from = source ?? nobody(channel, "unknownSource", () => this.#addresses.ofNobody(blocks, out));
    const to =
      destination ?? nobody(channel, "unknownDestination", () => this.#addresses.ofNobody(blocks, out));
    if (channel.firstAddress.length === 0) channel.firstAddress = from;
    const isFirst = isUnix
      ? sourceInode === channel.firstInode
      : kind !== "pty" || same(from, channel.firstAddress); // pipes and queues go one way
    return isFirst
      ? this.#direction(channel, from, to, channel.firstPort, channel.otherPort)
      : this.#direction(channel, from, to, channel.otherPort, channel.firstPort);
  }

  /** A new channel. The first sender asks, and is answered by the port that the path stands for. */
  #open({ contents }: Event, source: Uint8Array | null, destination: Uint8Array | null): Conversation {
    const path = latin1(this.#facts.name ?? nothing);
    const known = portOf(path);
    const given = this.#given++;
    const round = Math.floor(given / privatePorts);
    const own = privatePort(given);
    const other = known || privatePort(given + 1 + round);
    const server = this.#servers.get(path);
    // traced from the middle on, it may be the server that is seen first; of some protocols it always is
    const isAnswer =
      known === mysqlPort
        ? isMysqlAnswer(contents)
        : source !== null &&
          server !== undefined &&
          same(server, source) &&
          destination !== null &&
          !same(server, destination);
    if (known !== 0 && !isAnswer && destination !== null) this.#servers.set(path, destination);
    const ports = isAnswer ? ([other, own] as const) : ([own, other] as const);
    // of the same two ports once more, Wireshark takes it for the rest of the first, which has lost a part
    const first = (1 + round * roundStep) >>> 0;
    return this.#made(this.#facts.sourceInode, source ?? nothing, ...ports, first);
  }

  #channel(name: string, inode: number, address: Uint8Array, port: number, other: number): Conversation {
    const found = this.#find(name);
    if (found !== undefined) return found;
    const made = this.#made(inode, address, port, other, 1);
    this.#keep(name, made);
    return made;
  }

  #made(
    firstInode: number,
    firstAddress: Uint8Array,
    firstPort: number,
    otherPort: number,
    firstNumber: number,
  ): Conversation {
    return {
      firstInode,
      firstAddress,
      firstPort,
      otherPort,
      firstNumber,
      unknownSource: null,
      unknownDestination: null,
      directions: new Map(),
    };
  }

  #direction(
    { directions, firstNumber }: Conversation,
    source: Uint8Array,
    destination: Uint8Array,
    sourcePort: number,
    destinationPort: number,
  ): Direction {
    const [from, to] = [`${source.toHex()} ${sourcePort}`, `${destination.toHex()} ${destinationPort}`];
    const found = directions.get(`${from} ${to}`);
    if (found !== undefined) return found;
    const direction = directed(source, destination, sourcePort, destinationPort, firstNumber);
    const { reverse } = direction;
    directions.set(`${from} ${to}`, direction);
    if (reverse === null) return direction;
    directions.set(`${to} ${from}`, reverse);
    if (sourcePort === dbusPort || destinationPort === dbusPort) {
      const before = (port: number) => (port === dbusPort ? dbusHandshakePort : port);
      const ports = [before(sourcePort), before(destinationPort)] as const;
      direction.prelude = directed(source, destination, ...ports, firstNumber);
      reverse.prelude = direction.prelude.reverse;
    }
    return direction;
  }

  #find(name: string): Conversation | undefined {
    return this.#young.get(name) ?? this.#old.get(name);
  }

  #keep(name: string, channel: Conversation): void {
    if (this.#young.size >= mostKept) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(name, channel);
  }
}

function isUnknown({ pid, comm }: End): boolean {
  return pid < 0 && comm === null;
}

function nobody(
  channel: Conversation,
  side: "unknownSource" | "unknownDestination",
  make: () => Uint8Array,
): Uint8Array {
  channel[side] ??= make();
  return channel[side];
}

/** An IPv4 address as IPv6 has it, for the rare connection between both. */
function mapped(address: Uint8Array): Uint8Array {
  return address.length === 16
    ? address
    : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address);
}
