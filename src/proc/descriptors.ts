/** Open files, as the kernel's iterator over those of all processes says what they are. */
import { whole } from "../../ffi/halves.ts";
import type { Link } from "../../ffi/program.ts";
import { printable } from "../bytes/escape.ts";
import { DescriptorMode, DescriptorOf, DescriptorRecord } from "../layout.ts";

/** of process-independent objects: an address without what all kernel addresses begin with; only told apart */
export type ObjectId = number;

/** Of a socket's type, protocol and state: SOCK_STREAM, IPPROTO_TCP, TCP_ESTABLISHED, and TCP_LISTEN, of unix sockets too. */
export const stream = 1;
export const tcp = 6;
export const established = 1;
export const listening = 10;

/** An open file of a process. */
export interface Descriptor {
  pid: number;
  fd: number;
  /** a value of DescriptorOf */
  of: number;
  /** the open file: the same for descriptors that were inherited, duplicated or passed */
  file: ObjectId;
  object: ObjectId;
  /** the higher word of its address, which does not always begin with the same bits */
  addressHigh: number;
  /** the object at the other end, 0: none */
  peer: ObjectId;
  inode: number;
  device: number;
  /** inode of the network namespace */
  net: number;
  /** of DescriptorMode */
  mode: number;
  /** bytes that can be received here; messages, where messages are kept apart */
  queued: number;
  /** bytes that were sent and not taken: of TCP by the other end's host, of unix streams by who has the other end */
  unsent: number;
  /** bytes that the other end's host has taken of TCP since the connection began */
  acked: number;
  /** TCP's numbers, modulo 2^32, of the next byte that is received here, and of the next that is sent */
  takenUntil: number;
  sentUntil: number;
  /** of `room`: buffers of a pipe, connections that a listener has not accepted */
  used: number;
  room: number;
  /** of a socket: SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5 */
  type: number;
  /** of a socket, as its family has it */
  state: number;
  protocol: number;
  /** number of a terminal */
  index: number;
  /** 16 bytes, v4 mapped; null for what has none */
  local: Uint8Array | null;
  remote: Uint8Array | null;
  localPort: number;
  remotePort: number;
  /** a unix socket's address, which begins with NUL when it is abstract; null without one */
  path: Uint8Array | null;
  /** whether `path` is the other end's */
  isPeersPath: boolean;
}

/** Kernel addresses differ in their lower 53 bits. */
const highMask = 0x1f_ffff;

/** The kernel address of what a descriptor leads to, in its two words. */
export function addressOf({ object, addressHigh }: Descriptor): Uint32Array {
  return Uint32Array.of(object >>> 0, addressHigh);
}

/** All that are open, by the program `descriptors_open` that is attached already. @throws NativeError */
export function descriptorsBy(link: Link): Descriptor[] {
  const found: Descriptor[] = [];
  link.eachRecord(DescriptorRecord, (record) => found.push(descriptorOf(record)));
  return found;
}

/** A descriptor_record. */
export function descriptorOf(record: DescriptorRecord): Descriptor {
  const bytes = new Uint8Array(record.words.buffer);
  const part = ({ offset }: { offset: number }, length: number) =>
    bytes.slice(record.at * 4 + offset, record.at * 4 + offset + length);
  const isInet = record.of === DescriptorOf.OF_INET;
  return {
    pid: record.tgid,
    fd: record.fd,
    of: record.of,
    file: whole(record.fileLow, record.fileHigh & highMask),
    object: whole(record.objectLow, record.objectHigh & highMask),
    addressHigh: record.objectHigh,
    peer: whole(record.peerLow, record.peerHigh & highMask),
    inode: whole(record.inodeLow, record.inodeHigh),
    device: record.device,
    net: record.net,
    mode: record.mode,
    queued: whole(record.queuedLow, record.queuedHigh),
    unsent: whole(record.unsentLow, record.unsentHigh),
    acked: whole(record.ackedLow, record.ackedHigh),
    takenUntil: record.takenUntil,
    sentUntil: record.sentUntil,
    used: record.used,
    room: record.room,
    type: record.type,
    state: record.state,
    protocol: record.protocol,
    index: record.index,
    local: isInet ? part(DescriptorRecord.local, 16) : null,
    remote: isInet ? part(DescriptorRecord.remote, 16) : null,
    localPort: record.localPort,
    remotePort: record.remotePort,
    path: record.pathLength === 0 ? null : part(DescriptorRecord.path, record.pathLength),
    isPeersPath: (record.mode & DescriptorMode.MODE_PEER_PATH) !== 0,
  };
}

/** `/run/docker.sock`, `@abstract`, `<anonymous>` */
export function pathOf({ path }: Descriptor): string {
  if (path === null) return "<anonymous>";
  const isAbstract = path[0] === 0;
  const end = isAbstract ? path.length : path.indexOf(0);
  const bytes = path.subarray(isAbstract ? 1 : 0, end < 0 ? path.length : end);
  return (isAbstract ? "@" : "") + printable(bytes);
}
