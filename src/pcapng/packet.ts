/**
 * IP packets that nobody sent: the bytes of an event, with headers that say between which ends they went. Bytes of a
 * stream come as TCP, whose sequence numbers go on with the bytes; messages come as UDP.
 */
import { type Literal, literalOf, type Output } from "../bytes/output.ts";

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
  /** how often events of its kind had been lost when it was last used */
  losses: number;
  /** where bytes go until one of its dissector's messages begins; null where they go here at once */
  prelude: Direction | null;
  /** what all its headers have in common, once there was one */
  headers: CommonHeaders | null;
}

/** A direction that nothing went yet, with its reverse; `next` is the number of the first byte of each. */
export function directed(
  source: Uint8Array,
  destination: Uint8Array,
  sourcePort: number,
  destinationPort: number,
  next: number,
): Direction {
  const fresh = { next, losses: 0, prelude: null, headers: null };
  const here: Direction = { source, destination, sourcePort, destinationPort, reverse: null, ...fresh };
  here.reverse = {
    source: destination,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    reverse: here,
    ...fresh,
  };
  return here;
}

/** Headers without lengths, numbers and checksums, and what they add to those. */
interface CommonHeaders {
  readonly text: Literal;
  /** the sum of an IPv4 header */
  readonly network: number;
  /** the sum of the other header and of what TCP and UDP sum up in front of it */
  readonly transport: number;
}

interface Viewed {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly words: Int32Array;
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
/** from here on a copy of its own and a sum cost less than both at once */
const longCopy = 128;
const nothing = new Uint8Array(0);
/** what was summed up last, and where it begins in its buffer */
let viewed: Viewed = { bytes: nothing, offset: 0, words: new Int32Array(0) };

/** Bytes of the headers in front of what an event carried. */
export function headerLength(direction: Direction, isStream: boolean): number {
  return (direction.source.length === 4 ? 20 : 40) + (isStream ? tcpLength : udpLength);
}

/**
 * Writes a packet of `claimed` bytes, of which `length` follow: `bytes` from `start` on. It is padded to whole words,
 * and begins with one.
 */
export function writePacket(
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
  out.ensure(headers.text.length + length + 3);
  const { view } = out;
  let at = out.length;
  out.literal(headers.text);
  const contents = length < longCopy ? copied(out, bytes, start, length) : placed(out, bytes, start, length);
  while ((out.length & 3) !== 0) out.bytes[out.length++] = 0;
  if (source.length === 4) {
    view.setUint16(at + 2, 20 + own);
    view.setUint16(at + 10, folded(headers.network + 20 + own));
    at += 20;
  } else {
    view.setUint16(at + 4, own);
    at += 40;
  }
  let total = headers.transport + own + contents;
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
    text: literalOf(bytes),
    network: sum(bytes, 0, network),
    transport: addresses + protocol + sum(bytes, network, bytes.length - network),
  };
}

/** Copies bytes for which there is room; their sum. */
function placed(out: Output, bytes: Uint8Array, start: number, length: number): number {
  out.bytes.set(bytes.subarray(start, start + length), out.length);
  const at = out.length;
  out.length += length;
  return sum(out.bytes, at, length);
}

/** The same of few, which are gone over only once. */
function copied(out: Output, bytes: Uint8Array, start: number, length: number): number {
  const { view } = out;
  const words = wordsOf(bytes);
  const from = viewed.offset + start;
  const whole = (from & 3) === 0 ? length & ~3 : 0;
  let at = out.length;
  let total = 0;
  if (whole > 0) {
    const end = (from + whole) >>> 2;
    for (let i = from >>> 2; i < end; i++, at += 4) {
      const word = words[i]!;
      view.setInt32(at, word, true);
      total += (word & 0xffff) + (word >>> 16);
    }
    total = turned(total);
  }
  for (let i = whole; i < length; i++) {
    const byte = bytes[start + i]!;
    out.bytes[at++] = byte;
    total += (i & 1) === 0 ? byte << 8 : byte;
  }
  out.length = at;
  return total;
}

/** The sum of big-endian halves, the last one padded: below 2^53 for whatever fits into a packet. */
function sum(bytes: Uint8Array, start: number, length: number): number {
  const words = wordsOf(bytes);
  const at = viewed.offset + start;
  const whole = (at & 3) === 0 ? length & ~3 : 0;
  let total = whole > 0 ? sumOfWords(words, at >>> 2, whole >>> 2) : 0;
  const end = start + (length & ~1);
  for (let i = start + whole; i < end; i += 2) total += (bytes[i]! << 8) | bytes[i + 1]!;
  if ((length & 1) !== 0) total += bytes[end]! << 8;
  return total;
}

function sumOfWords(words: Int32Array, first: number, count: number): number {
  let total = 0;
  for (let i = first; i < first + count; i++) total += (words[i]! & 0xffff) + (words[i]! >>> 16);
  return turned(total);
}

/** Halves that are summed the other way round make a sum that is. */
function turned(sum: number): number {
  let total = sum;
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x1_0000);
  return ((total & 0xff) << 8) | (total >>> 8);
}

/** The whole words of the buffer that bytes are in. To ask an array for its buffer costs more than to look at it. */
function wordsOf(bytes: Uint8Array): Int32Array {
  if (viewed.bytes !== bytes) {
    const { buffer, byteOffset } = bytes;
    viewed = { bytes, offset: byteOffset, words: new Int32Array(buffer, 0, buffer.byteLength >>> 2) };
  }
  return viewed.words;
}

/** The checksum that a sum makes. */
function folded(total: number): number {
  let rest = total;
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 0x1_0000);
  return ~rest & 0xffff;
}
