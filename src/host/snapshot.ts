/** Everything that processes can communicate by, as it is at one moment: what the kernel's iterator over open files says. */
import { readFileSync } from "node:fs";
import objectFile from "#dist/ipcdump.bpf.o" with { type: "file" };
import { whole } from "../../ffi/halves.ts";
import { BpfObject } from "../../ffi/object.ts";
import { libbpf } from "../attach/libbpf.ts";
import { Config, DescriptorMode, DescriptorOf, DescriptorRecord } from "../layout.ts";
import { log } from "../log.ts";
import { pidNamespace } from "../proc/processes.ts";

/** of process-independent objects: an address without what all kernel addresses begin with; only told apart */
export type ObjectId = number;

/** An open file of a process. */
export interface Descriptor {
  pid: number;
  fd: number;
  /** a value of DescriptorOf */
  of: number;
  /** the open file: the same for descriptors that were inherited, duplicated or passed */
  file: ObjectId;
  object: ObjectId;
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
  /** bytes that TCP has sent and the other host's end has not taken */
  unsent: number;
  /** of `room`: buffers of a pipe, connections that a listener has not accepted */
  used: number;
  room: number;
  /** of a socket: SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5 */
  type: number;
  /** of a socket: TCP_ESTABLISHED 1, TCP_LISTEN 10 */
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

const hook = "descriptors";
/** Kernel addresses differ in their lower 53 bits. */
const highMask = 0x1f_ffff;

/** @throws NativeError where this kernel has no such iterator (before 5.8), or without privileges */
export function openDescriptors(): Descriptor[] {
  const library = libbpf();
  using object = BpfObject.open(library, readFileSync(objectFile), false, null);
  const program = object.programs.find((one) => one.hook === hook)!;
  program.enable(true);
  new Config(object.map(".rodata.config").words(Config.size)).pidNamespace = pidNamespace();
  object.map("ring").maxEntries = 1 << 16;
  object.load();
  const found: Descriptor[] = [];
  using link = program.attach([]);
  link.eachRecord(DescriptorRecord, (record) => found.push(descriptorOf(record)));
  log.debug(`${found.length} open files looked at`);
  return found;
}

function descriptorOf(record: DescriptorRecord): Descriptor {
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
    peer: whole(record.peerLow, record.peerHigh & highMask),
    inode: whole(record.inodeLow, record.inodeHigh),
    device: record.device,
    net: record.net,
    mode: record.mode,
    queued: whole(record.queuedLow, record.queuedHigh),
    unsent: whole(record.unsentLow, record.unsentHigh),
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
