/**
 * From an event to its conversation and side. A socket has one conversation, a TCP connection is known by addresses,
 * ports and its receiver's socket, a pipe is a conversation of one side.
 */
import { same } from "../bytes/same.ts";
import type { Event } from "../event.ts";
import type { MessagePlace } from "./place.ts";
import { otherSide, type Side } from "./protocol.ts";

/** conversations of two generations each: one that is met again after so many others begins anew */
const generation = 8192;

/** A conversation by one of its sides. */
export interface Spot<Talking> {
  readonly talk: Talking;
  readonly side: Side;
}

interface Socket<Talking> {
  readonly talk: Talking;
  /** by side */
  readonly spots: readonly [Spot<Talking>, Spot<Talking>];
  /** by side, 0 while unknown */
  readonly inodes: [number, number];
}

interface Ports<Talking> {
  readonly talk: Talking;
  /** of side 0 */
  readonly source: Uint8Array;
  readonly sourcePort: number;
  readonly destination: Uint8Array;
  readonly destinationPort: number;
  /** the sockets that receive from each side, and the process behind side 1, as far as they are known */
  readonly receivers: [number, number];
  readonly pid: number;
}

const nothing = new Uint8Array(0);

function spot<Talking>(talk: Talking, side: Side): Spot<Talking> {
  return { talk, side };
}

/** Two generations of things by number: what is not used while many others come is gone. */
class Generations<Thing> {
  #young = new Map<number, Thing>();
  #old = new Map<number, Thing>();

  constructor(private readonly drop: (thing: Thing, isKept: (thing: Thing) => boolean) => void) {}

  get(key: number): Thing | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: number, thing: Thing): void {
    this.#young.set(key, thing);
    if (this.#young.size < generation) return;
    const kept = new Set(this.#young.values());
    const gone = this.#old;
    this.#old = this.#young;
    this.#young = new Map();
    for (const thing of gone.values()) if (!kept.has(thing)) this.drop(thing, (other) => kept.has(other));
  }
}

export class Links<Talking> {
  readonly #sockets: Generations<Socket<Talking>>;
  readonly #connections: Generations<Ports<Talking>[]>;
  readonly #pipes: Generations<Spot<Talking>>;
  readonly #all = new Set<Talking>();

  /**
   * @param open makes a conversation
   * @param close is told of one that is over, or forgotten
   */
  constructor(
    private readonly open: () => Talking,
    private readonly close: (talk: Talking) => void,
  ) {
    this.#sockets = new Generations(({ talk }) => this.#end(talk));
    this.#connections = new Generations((list) => {
      for (const { talk } of list) this.#end(talk);
    });
    this.#pipes = new Generations(({ talk }) => this.#end(talk));
  }

  /** All conversations, in the order in which they began. */
  get all(): Iterable<Talking> {
    return this.#all;
  }

  /** null when its channel can't be told */
  of(event: Event, place: MessagePlace): Spot<Talking> | null {
    if (place.object !== 0) return this.#ofPipe(place.object);
    if (place.source !== null) return this.#ofConnection(event, place);
    return place.sourceInode === 0 ? null : this.#ofSocket(place.sourceInode, place.destinationInode);
  }

  #begin(): Talking {
    const talk = this.open();
    this.#all.add(talk);
    return talk;
  }

  #end(talk: Talking): void {
    if (this.#all.delete(talk)) this.close(talk);
  }

  #ofPipe(inode: number): Spot<Talking> {
    const found = this.#pipes.get(inode);
    if (found !== undefined) return found;
    const link: Spot<Talking> = { talk: this.#begin(), side: 0 };
    this.#pipes.set(inode, link);
    return link;
  }

  #ofSocket(source: number, destination: number): Spot<Talking> {
    let socket = this.#sockets.get(source);
    if (socket !== undefined) {
      const side = socket.inodes[0] === source ? 0 : 1;
      const other = socket.inodes[otherSide(side)];
      if (destination === 0 || other === destination) return socket.spots[side];
      if (other === 0) {
        socket.inodes[otherSide(side)] = destination;
        this.#sockets.set(destination, socket);
        return socket.spots[side];
      }
      this.#end(socket.talk); // the number is another socket's now
    } else if (destination !== 0) {
      socket = this.#sockets.get(destination);
      if (socket !== undefined) {
        const side = socket.inodes[0] === destination ? 1 : 0;
        const known = socket.inodes[side];
        if (known === 0) {
          socket.inodes[side] = source;
          this.#sockets.set(source, socket);
          return socket.spots[side];
        }
        this.#end(socket.talk);
      }
    }
    const talk = this.#begin();
    const spots = [spot(talk, 0), spot(talk, 1)] as const;
    const made: Socket<Talking> = { talk, spots, inodes: [source, destination] };
    this.#sockets.set(source, made);
    if (destination !== 0) this.#sockets.set(destination, made);
    return made.spots[0];
  }

  #ofConnection(event: Event, place: MessagePlace): Spot<Talking> {
    const { sourcePort, destinationPort, destinationInode } = place;
    const source = place.source ?? nothing;
    const destination = place.destination ?? nothing;
    const key = Math.min(sourcePort, destinationPort) * 65536 + Math.max(sourcePort, destinationPort);
    const list = this.#connections.get(key) ?? [];
    // the newest first: another one of the same numbers is over, or of another network namespace
    for (let i = list.length - 1; i >= 0; i--) {
      const known = list[i]!;
      const isForward =
        known.sourcePort === sourcePort && same(known.source, source) && same(known.destination, destination);
      const isBackward =
        known.sourcePort === destinationPort &&
        same(known.source, destination) &&
        same(known.destination, source);
      if (!isForward && !isBackward) continue;
      const side: Side = isForward ? 0 : 1;
      const receiver = known.receivers[side];
      if (receiver !== 0 && destinationInode !== 0 && receiver !== destinationInode) continue;
      if (receiver === 0 && side === 1 && known.pid !== event.src.pid && i > 0 && known.pid > 0) continue;
      known.receivers[side] ||= destinationInode;
      return { talk: known.talk, side };
    }
    const made: Ports<Talking> = {
      talk: this.#begin(),
      source,
      sourcePort,
      destination,
      destinationPort,
      receivers: [destinationInode, 0],
      pid: event.dst.pid,
    };
    while (list.length >= mostAlike) this.#end(list.shift()!.talk);
    list.push(made);
    this.#connections.set(key, list);
    return { talk: made.talk, side: 0 };
  }
}

/** connections of the same addresses and ports, in other network namespaces or before */
const mostAlike = 16;
