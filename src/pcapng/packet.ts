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
  const { source, destination, sourcePort, destinationPort } = direction;
  const own = isStream ? tcpLength : udpLength;
  const protocol = isStream ? tcp : udp;
  out.ensure(headerLength(direction, isStream));
  const { view } = out;
  let at = out.length;
  if (source.length === 4) {
    view.setUint16(at, 0x4500);
    view.setUint16(at + 2, 20 + own + claimed);
    view.setUint32(at + 4, 0x4000); // no identification; may not be fragmented
    view.setUint16(at + 8, (hops << 8) | protocol);
    view.setUint16(at + 10, 0);
    for (let i = 0; i < 4; i++) {
      out.bytes[at + 12 + i] = source[i]!;
      out.bytes[at + 16 + i] = destination[i]!;
    }
    view.setUint16(at + 10, folded(sum(out.bytes, at, 20)));
    at += 20;
  } else {
    view.setUint32(at, 0x6000_0000);
    view.setUint16(at + 4, own + claimed);
    view.setUint16(at + 6, (protocol << 8) | hops);
    for (let i = 0; i < 16; i++) {
      out.bytes[at + 8 + i] = source[i]!;
      out.bytes[at + 24 + i] = destination[i]!;
    }
    at += 40;
  }
  view.setUint16(at, sourcePort);
  view.setUint16(at + 2, destinationPort);
  if (isStream) {
    view.setUint32(at + 4, direction.next);
    view.setUint32(at + 8, direction.reverse?.next ?? 0);
    view.setUint16(at + 12, pushed);
    view.setUint16(at + 14, window);
    view.setUint32(at + 16, 0);
  } else {
    view.setUint16(at + 4, udpLength + claimed);
    view.setUint16(at + 6, 0);
  }
  const pseudo =
    sum(source, 0, source.length) + sum(destination, 0, destination.length) + protocol + own + claimed;
  const total = pseudo + sum(out.bytes, at, own) + sum(bytes, start, length);
  // of UDP's, 0 means that there is none
  view.setUint16(at + (isStream ? 16 : 6), folded(total) || (isStream ? 0 : 0xffff));
  out.length = at + own;
}

/** The sum of big-endian halves, the last one padded: below 2^53 for whatever fits into a packet. */
function sum(bytes: Uint8Array, start: number, length: number): number {
  let total = 0;
  const end = start + (length & ~1);
  for (let i = start; i < end; i += 2) total += (bytes[i]! << 8) | bytes[i + 1]!;
  if ((length & 1) !== 0) total += bytes[end]! << 8;
  return total;
}

/** The checksum that a sum makes. */
function folded(total: number): number {
  let rest = total;
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 0x1_0000);
  return ~rest & 0xffff;
}
