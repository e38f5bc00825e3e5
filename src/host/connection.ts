/** What processes communicate by: the open files of a snapshot put together, each with the holders of its ends. */
import { printable } from "../bytes/escape.ts";
import { DescriptorMode, DescriptorOf } from "../layout.ts";
import { connected, type Inet, inetOf, isNear, nameOf } from "../name/inet.ts";
import { type Descriptor, listening, type ObjectId, pathOf, tcp } from "../proc/descriptors.ts";
import { link } from "../proc/files.ts";

/** `backlog`: the listener that has not accepted a connection yet */
export type Role =
  | "writer"
  | "reader"
  | "end"
  | "listener"
  | "backlog"
  | "bound"
  | "master"
  | "slave"
  | "mapping";

/** One end: everything that has it open. */
export interface Side {
  role: Role;
  object: ObjectId;
  /** pid → its descriptors */
  holders: Map<number, number[]>;
  /** bytes that can be received here; messages, of datagrams and queues */
  queued: number;
  /** inode of a socket, 0: the connection's own */
  inode: number;
}

export interface Connection {
  /** a kind of events, or `shm` */
  kind: string;
  /** inode, of a terminal its number */
  number: number;
  name: string;
  sides: Side[];
  used: number;
  room: number;
  /** a terminal whose output Ctrl-S stopped */
  isStopped: boolean;
}

/** Where a descriptor leads: a connection, and which of its ends it is. */
export interface Opening {
  connection: Connection;
  descriptor: Descriptor;
}

const unixFamily = 1;
const socketKinds: Readonly<Record<number, string>> = {
  1: "unix-stream",
  2: "unix-dgram",
  5: "unix-seqpacket",
};

export class Connections {
  readonly all: Connection[] = [];
  readonly #openings = new Map<number, Map<number, Opening>>();
  readonly #byObject = new Map<ObjectId, Descriptor[]>();
  readonly #done = new Set<ObjectId>();
  /** unix listeners by network namespace and address, TCP ones by `nameOf` */
  readonly #listeners = new Map<string, Descriptor>();

  constructor(descriptors: readonly Descriptor[]) {
    for (const one of descriptors) {
      const same = this.#byObject.get(one.object);
      if (same === undefined) this.#byObject.set(one.object, [one]);
      else same.push(one);
      if (one.state === listening) this.#listeners.set(listenerKey(one), one);
    }
    const flows = new Map<string, Descriptor>();
    for (const [first] of this.#byObject.values())
      if (first?.of === DescriptorOf.OF_INET) flows.set(inetOf(first).key, first);
    for (const [object, [first]] of this.#byObject) {
      if (first === undefined || this.#done.has(object)) continue;
      this.#done.add(object);
      const connection = this.#make(first, flows);
      if (connection !== null) this.all.push(connection);
    }
  }

  /** The connection behind a descriptor; null when it leads to none. */
  at(pid: number, fd: number): Opening | null {
    return this.#openings.get(pid)?.get(fd) ?? null;
  }

  /** The connections that a process has open. */
  of(pid: number): Connection[] {
    return [...new Set([...(this.#openings.get(pid)?.values() ?? [])].map(({ connection }) => connection))];
  }

  /** The listener that an address of connect(2), struct sockaddr, leads to. */
  listenerAt(net: number, address: Uint8Array): Opening | null {
    const [family = 0] = address;
    let one: Descriptor | undefined;
    if (family === unixFamily) {
      const path = address.subarray(2);
      const end = path.indexOf(0);
      // the kernel ends a path with one NUL, and takes an abstract name as it is
      const kept = end > 0 ? path.subarray(0, end + 1) : path;
      one = this.#listeners.get(`${net} ${kept.toHex()}`);
    } else {
      const port = ((address[2] ?? 0) << 8) | (address[3] ?? 0);
      one = this.#inetListener(net, port);
    }
    return one === undefined ? null : this.at(one.pid, one.fd);
  }

  #inetListener(net: number, port: number): Descriptor | undefined {
    return [...this.#listeners.values()].find(
      (one) => one.of === DescriptorOf.OF_INET && one.net === net && one.localPort === port,
    );
  }

  #make(first: Descriptor, flows: ReadonlyMap<string, Descriptor>): Connection | null {
    switch (first.of) {
      case DescriptorOf.OF_PIPE:
        return this.#pipe(first);
      case DescriptorOf.OF_UNIX:
        return this.#unix(first);
      case DescriptorOf.OF_INET:
        return this.#inet(first, flows);
      case DescriptorOf.OF_PTY_MASTER:
      case DescriptorOf.OF_PTY_SLAVE:
        return this.#pty(first);
      case DescriptorOf.OF_MQ:
        return this.#halves(first, "mq", link(`/proc/${first.pid}/fd/${first.fd}`));
    }
    return null;
  }

  #pipe(first: Descriptor): Connection {
    const target = link(`/proc/${first.pid}/fd/${first.fd}`);
    return this.#halves(first, "pipe", target.startsWith("pipe:[") ? "" : target);
  }

  /** One object, whose descriptors read, write or do both. */
  #halves(first: Descriptor, kind: string, path: string): Connection {
    const all = this.#byObject.get(first.object)!;
    const sides = (
      [
        ["writer", DescriptorMode.MODE_WRITE],
        ["reader", DescriptorMode.MODE_READ],
      ] as const
    ).map(([role, mode]) =>
      side(
        role,
        all.filter((one) => (one.mode & mode) !== 0),
        first,
      ),
    );
    sides[0]!.queued = 0;
    return this.#opening(kind, first, path === "" ? "<anonymous>" : printable(path), sides, all);
  }

  #unix(first: Descriptor): Connection {
    const mine = this.#byObject.get(first.object)!;
    const path = pathOf(first);
    const kind = socketKinds[first.type] ?? "unix-stream";
    if (first.state === listening)
      return this.#opening(kind, first, path, [side("listener", mine, first)], mine);
    const peers = this.#byObject.get(first.peer);
    const theirs = peers?.[0];
    if (theirs !== undefined) {
      // a datagram socket may be the peer of many, and have another itself
      if (theirs.peer === first.object) this.#done.add(theirs.object);
      const sides = [side("end", mine, first), side("end", peers!, theirs)];
      const name = first.path !== null ? path : pathOf(theirs);
      return this.#opening(
        kind,
        first,
        name,
        sides,
        theirs.peer === first.object ? [...mine, ...peers!] : mine,
      );
    }
    const listener = first.path === null ? undefined : this.#listeners.get(listenerKey(first));
    const sides = [side(first.peer === 0 && first.path !== null ? "bound" : "end", mine, first)];
    if (first.peer !== 0 && listener !== undefined)
      sides.push(side("backlog", this.#byObject.get(listener.object)!, listener));
    return this.#opening(kind, first, path, sides, mine);
  }

  #inet(first: Descriptor, flows: ReadonlyMap<string, Descriptor>): Connection | null {
    const mine = this.#byObject.get(first.object)!;
    const inet: Inet = inetOf(first);
    const name = nameOf(first);
    const kind = first.protocol === tcp ? "loopback-tcp" : "loopback-udp";
    if (first.state === listening)
      return this.#opening(kind, first, name, [side("listener", mine, first)], mine);
    if (first.remotePort === 0) return this.#opening(kind, first, name, [side("bound", mine, first)], mine);
    const theirs = flows.get(inet.reversed);
    if (theirs !== undefined && theirs !== first) {
      this.#done.add(theirs.object);
      const peers = this.#byObject.get(theirs.object)!;
      const sides = [side("end", mine, first), side("end", peers, theirs)];
      return this.#opening(kind, first, connected(first), sides, [...mine, ...peers]);
    }
    if (!isNear(first)) return null;
    const sides = [side("end", mine, first)];
    const listener = this.#inetListener(first.net, first.remotePort);
    if (listener !== undefined) sides.push(side("backlog", this.#byObject.get(listener.object)!, listener));
    return this.#opening(kind, first, connected(first), sides, mine);
  }

  #pty(first: Descriptor): Connection {
    const mine = this.#byObject.get(first.object)!;
    const peers = this.#byObject.get(first.peer) ?? [];
    this.#done.add(first.peer);
    const isMaster = first.of === DescriptorOf.OF_PTY_MASTER;
    const [masters, slaves] = isMaster ? [mine, peers] : [peers, mine];
    const sides = [
      side("master", masters, masters[0] ?? first),
      side("slave", slaves, slaves[0] ?? { ...first, object: first.peer }),
    ];
    const connection = this.#opening("pty", first, `/dev/pts/${first.index}`, sides, [...mine, ...peers]);
    connection.isStopped = slaves.some(({ mode }) => (mode & DescriptorMode.MODE_STOPPED) !== 0);
    connection.number = first.index;
    return connection;
  }

  #opening(
    kind: string,
    { inode, used, room }: Descriptor,
    name: string,
    sides: Side[],
    descriptors: readonly Descriptor[],
  ): Connection {
    const connection: Connection = { kind, number: inode, name, sides, used, room, isStopped: false };
    for (const descriptor of descriptors) {
      const own = this.#openings.get(descriptor.pid) ?? new Map<number, Opening>();
      this.#openings.set(descriptor.pid, own);
      own.set(descriptor.fd, { connection, descriptor });
    }
    return connection;
  }
}

function side(role: Role, descriptors: readonly Descriptor[], { object, queued, inode }: Descriptor): Side {
  const holders = new Map<number, number[]>();
  for (const { pid, fd } of descriptors) {
    const fds = holders.get(pid);
    if (fds === undefined) holders.set(pid, [fd]);
    else fds.push(fd);
  }
  return { role, object, holders, queued, inode };
}

function listenerKey(one: Descriptor): string {
  return one.of === DescriptorOf.OF_UNIX
    ? `${one.net} ${one.path?.toHex() ?? ""}`
    : `${one.net} ${nameOf(one)}`;
}
