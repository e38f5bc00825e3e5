/** What unix streams and TCP connections of this host hold. */
import type { End } from "../event.ts";
import { DescriptorOf } from "../layout.ts";
import { connected, inetOf, isNear } from "../name/inet.ts";
import {
  type Descriptor,
  established,
  listening,
  type ObjectId,
  pathOf,
  stream,
  tcp,
} from "../proc/descriptors.ts";
import { holdersOf } from "./pipewriters.ts";
import type { Unread } from "./unread.ts";

export class Streams {
  readonly #byObject: ReadonlyMap<ObjectId, readonly Descriptor[]>;
  readonly #all: readonly Descriptor[];

  /** @param byObject the same descriptors by what they are of */
  constructor(all: readonly Descriptor[], byObject: ReadonlyMap<ObjectId, readonly Descriptor[]>) {
    this.#all = all;
    this.#byObject = byObject;
  }

  /** Each direction with bytes in it. */
  unread(): Unread[] {
    const found: Unread[] = [];
    const flows = new Map<string, Descriptor>();
    for (const [first] of this.#byObject.values()) if (isTcp(first!)) flows.set(inetOf(first!).key, first!);
    for (const [first] of this.#byObject.values()) {
      if (first!.state === listening) continue;
      if (first!.of === DescriptorOf.OF_UNIX && first!.type === stream) found.push(...this.#unix(first!));
      else if (isTcp(first!)) found.push(...this.#tcp(first!, flows));
    }
    return found;
  }

  /** What was sent by this end, and what it has not read of one that is closed. */
  #unix(one: Descriptor): Unread[] {
    const peers = this.#byObject.get(one.peer);
    const found: Unread[] = [];
    if (one.unsent > 0) {
      const readers = peers ?? this.#all.filter((other) => other.state === listening && isAt(other, one));
      found.push(this.#direction(one, peers?.[0] ?? null, one.unsent, this.#holders(one), readers));
    }
    if (one.queued > 0 && peers === undefined)
      found.push(this.#direction(one, one, one.queued, [], this.#byObject.get(one.object)!));
    return found;
  }

  #tcp(one: Descriptor, flows: ReadonlyMap<string, Descriptor>): Unread[] {
    const other = flows.get(inetOf(one).reversed);
    if (other !== undefined) {
      const bytes = (one.sentUntil - other.takenUntil) | 0;
      if (bytes <= 0) return [];
      return [this.#direction(one, other, bytes, this.#holders(one), this.#byObject.get(other.object)!)];
    }
    if (!isNear(one)) return [];
    const found: Unread[] = [];
    if (one.queued > 0)
      found.push(this.#direction(one, one, one.queued, [], this.#byObject.get(one.object)!));
    const listeners = this.#all.filter(
      ({ of, state, net, localPort }) =>
        of === DescriptorOf.OF_INET && state === listening && net === one.net && localPort === one.remotePort,
    );
    // not accepted yet, so nothing was read; the beginning of a connection counts as one byte
    const sent = one.acked - 1 + one.unsent;
    if (one.state === established && sent > 0 && listeners.length > 0)
      found.push(this.#direction(one, null, sent, this.#holders(one), listeners));
    return found;
  }

  /** @param to the end that receives; null when it has no descriptor yet */
  #direction(
    one: Descriptor,
    to: Descriptor | null,
    bytes: number,
    from: readonly End[],
    readers: readonly Descriptor[],
  ): Unread {
    // who has the sending end alone did send; of several nobody knows which
    const writers = from.map((end) => ({ ...end, guess: from.length > 1 }));
    const isUnix = one.of === DescriptorOf.OF_UNIX;
    return {
      kind: isUnix ? "unix-stream" : "loopback-tcp",
      inode: to?.inode ?? 0,
      name: streamName(one),
      ports: [one.localPort, one.remotePort],
      bytes,
      from: writers,
      readers: holdersOf(readers),
    };
  }

  #holders(one: Descriptor): End[] {
    return holdersOf(this.#byObject.get(one.object)!);
  }
}

/** What is printed for a stream. */
export function streamName(one: Descriptor): string {
  return one.of === DescriptorOf.OF_UNIX ? pathOf(one) : connected(one);
}

function isTcp({ of, protocol }: Descriptor): boolean {
  return of === DescriptorOf.OF_INET && protocol === tcp;
}

/** Whether a listener has the address that a connection of it has. */
function isAt(listener: Descriptor, { net, path }: Descriptor): boolean {
  return (
    listener.of === DescriptorOf.OF_UNIX && listener.net === net && listener.path?.toHex() === path?.toHex()
  );
}
