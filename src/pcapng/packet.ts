/**
 * IP packets that nobody sent: the bytes of an event, with headers that say between which ends they went. Bytes of a
 * stream come as TCP, whose sequence numbers go on with the bytes; messages come as UDP.
 */
import type { Output } from "../bytes/output.ts";

/** One direction of a channel, as headers have it. */
export interface Direction {
  /** 4 or 16 bytes each */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** the number of the next byte of this direction, and of the other one; 32 bits */
  next: number;
  reverse: Direction | null;
  /** what all its headers have in common, once there was one */
  headers: CommonHeaders | null;
}

/** Headers without lengths, numbers and checksums, and what they add to those. */
interface CommonHeaders {
  readonly bytes: Uint8Array;
  /** the sum of an IPv4 header */
  readonly network: number;
  /** the sum of the other header and of what TCP and UDP sum up in front of it */
  readonly transport: number;
}

/** bytes of an event that go into one packet: with headers they stay below what IP can count */
export const mostBytes = 60_000;

const tcp = 6;
const udp = 17;
const tcpLength = 20;
const udpLength = 8;
const pushed = 0x5018; // a header of five words; PSH and ACK
const window = 0xffff;
const hops = 64;
/** bytes from which on they are summed up by words */
const shortest = 32;
/** the buffer that was summed up last */
let viewed: Int32Array = new Int32Array(0);

/** Bytes of the headers in front of what an event carried. */
export function headerLength(direction: Direction, isStream: boolean): number {
  return (direction.source.length === 4 ? 20 : 40) + (isStream ? tcpLength : udpLength);
}

/**
 * Writes the headers of `claimed` bytes, of which `length` follow: `bytes` from `start` on. They are not copied here,
 * only summed up.
 */
export function writeHeaders(
  out: Output,
  direction: Direction,
  isStream: boolean,
  claimed: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): void {
  direction.headers ??= commonHeaders(direction, isStream);
  const { headers, next, source } = direction;
  const own = (isStream ? tcpLength : udpLength) + claimed;
  out.ensure(headers.bytes.length);
  const { view } = out;
  let at = out.length;
  out.bytes.set(headers.bytes, at);
  out.length = at + headers.bytes.length;
  if (source.length === 4) {
    view.setUint16(at + 2, 20 + own);
    view.setUint16(at + 10, folded(headers.network + 20 + own));
    at += 20;
  } else {
    view.setUint16(at + 4, own);
    at += 40;
  }
  let total = headers.transport + own + sum(bytes, start, length);
  if (isStream) {
    const acknowledged = direction.reverse?.next ?? 0;
    view.setUint32(at + 4, next);
    view.setUint32(at + 8, acknowledged);
    total += (next >>> 16) + (next & 0xffff) + (acknowledged >>> 16) + (acknowledged & 0xffff);
    view.setUint16(at + 16, folded(total));
  } else {
    view.setUint16(at + 4, own);
    // of UDP's, 0 means that there is none
    view.setUint16(at + 6, folded(total + own) || 0xffff);
  }
}

function commonHeaders(
  { source, destination, sourcePort, destinationPort }: Direction,
  isStream: boolean,
): CommonHeaders {
  const network = source.length === 4 ? 20 : 40;
  const bytes = new Uint8Array(network + (isStream ? tcpLength : udpLength));
  const view = new DataView(bytes.buffer);
  const protocol = isStream ? tcp : udp;
  if (source.length === 4) {
    view.setUint16(0, 0x4500);
    view.setUint32(4, 0x4000); // no identification; may not be fragmented
    view.setUint16(8, (hops << 8) | protocol);
  } else {
    view.setUint32(0, 0x6000_0000);
    view.setUint16(6, (protocol << 8) | hops);
  }
  bytes.set(source, network - 2 * source.length);
  bytes.set(destination, network - source.length);
  view.setUint16(network, sourcePort);
  view.setUint16(network + 2, destinationPort);
  if (isStream) {
    view.setUint16(network + 12, pushed);
    view.setUint16(network + 14, window);
  }
  const addresses = sum(source, 0, source.length) + sum(destination, 0, destination.length);
  return {
    bytes,
    network: sum(bytes, 0, network),
    transport: addresses + protocol + sum(bytes, network, bytes.length - network),
  };
}

/** The sum of big-endian halves, the last one padded: below 2^53 for whatever fits into a packet. */
function sum(bytes: Uint8Array, start: number, length: number): number {
  const at = bytes.byteOffset + start;
  const whole = length >= shortest && (at & 3) === 0 ? length & ~3 : 0;
  let total = whole > 0 ? sumOfWords(bytes.buffer, at >>> 2, whole >>> 2) : 0;
  const end = start + (length & ~1);
  for (let i = start + whole; i < end; i += 2) total += (bytes[i]! << 8) | bytes[i + 1]!;
  if ((length & 1) !== 0) total += bytes[end]! << 8;
  return total;
}

/** The same by words; halves that are summed the other way round make a sum that is. */
function sumOfWords(buffer: ArrayBufferLike, first: number, count: number): number {
  if (viewed.buffer !== buffer) viewed = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
  const words = viewed;
  let total = 0;
  for (let i = first; i < first + count; i++) total += (words[i]! & 0xffff) + (words[i]! >>> 16);
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x1_0000);
  return ((total & 0xff) << 8) | (total >>> 8);
}

/** The checksum that a sum makes. */
function folded(total: number): number {
  let rest = total;
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 0x1_0000);
  return ~rest & 0xffff;
}
