/**
 * Blocks of pcapng (draft-ietf-opsawg-pcapng), little-endian: what they are called, and a writer that keeps their
 * lengths. Every block is u32 type, u32 length of all of it, body, u32 length again; every part of it is padded to
 * four bytes.
 */
import { highHalf } from "../../ffi/halves.ts";
import type { Output } from "../bytes/output.ts";

/** Types of blocks. */
export const Block = {
  SECTION: 0x0a0d0d0a,
  INTERFACE: 1,
  NAMES: 4,
  STATISTICS: 5,
  PACKET: 6,
  JOURNAL: 9,
} as const;

/** Options that any block may have, and those of each. */
export const Option = {
  END: 0,
  COMMENT: 1,
  SECTION_SYSTEM: 3,
  SECTION_PROGRAM: 4,
  INTERFACE_NAME: 2,
  INTERFACE_DESCRIPTION: 3,
  INTERFACE_RESOLUTION: 9,
  PACKET_DROPS: 4,
  PACKET_ID: 5,
  PACKET_PROCESS: 8,
  STATISTICS_START: 2,
  STATISTICS_END: 3,
  STATISTICS_RECEIVED: 4,
  STATISTICS_DROPPED: 5,
} as const;

/** What the first word of a section's body says: the byte order of all that follows. */
export const byteOrderMagic = 0x1a2b3c4d;
/** LINKTYPE_RAW: a packet begins with an IP header, of version 4 or 6. tcpdump reads files of one link type only. */
export const linkType = 101;
/** of a name record: an IPv6 address and its name */
export const nameOfIpv6 = 2;

/** Writes blocks into an Output, one at a time. Allocates nothing. */
export class BlockWriter {
  #out: Output;
  #start = 0;

  constructor(out: Output) {
    this.#out = out;
  }

  begin(out: Output, type: number): void {
    this.#out = out;
    out.ensure(8);
    this.#start = out.length;
    this.word(type);
    this.word(0); // its length, when that is known
  }

  end(): void {
    const out = this.#out;
    const length = out.length - this.#start + 4;
    this.word(length);
    out.view.setUint32(this.#start + 4, length, true);
  }

  word(value: number): void {
    const out = this.#out;
    out.ensure(4);
    out.view.setUint32(out.length, value, true);
    out.length += 4;
  }

  halves(first: number, second: number): void {
    const out = this.#out;
    out.ensure(4);
    out.view.setUint16(out.length, first, true);
    out.view.setUint16(out.length + 2, second, true);
    out.length += 4;
  }

  bytes(source: Uint8Array, start: number, length: number): void {
    const out = this.#out;
    out.ensure(length);
    // a view costs more than copying a few bytes
    if (length < 64) out.copy(source, start, start + length);
    else {
      out.bytes.set(source.subarray(start, start + length), out.length);
      out.length += length;
    }
  }

  pad(): void {
    const out = this.#out;
    out.ensure(4);
    while (((out.length - this.#start) & 3) !== 0) out.bytes[out.length++] = 0;
  }

  /** An option of `length` bytes of `source`. */
  option(code: number, source: Uint8Array, start: number, length: number): void {
    this.halves(code, length);
    this.bytes(source, start, length);
    this.pad();
  }

  /** An option of one number of 64 bits, a whole number below 2^53. */
  count(code: number, value: number): void {
    this.halves(code, 8);
    this.word(value >>> 0);
    this.word(highHalf(value));
  }

  /** An option of two words. */
  pair(code: number, first: number, second: number): void {
    this.halves(code, 8);
    this.word(first);
    this.word(second);
  }
}

/** A length in whole words. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}

/** Pads what is written to whole words, for which there is room; where the next one goes. */
export function aligned(out: Output): number {
  while ((out.length & 3) !== 0) out.bytes[out.length++] = 0;
  return out.length;
}

/** Writes an option of 64 bits, for which there is room; where the next one goes. */
export function count64(view: DataView, at: number, code: number, value: number): number {
  view.setUint32(at, code | (8 << 16), true);
  view.setUint32(at + 4, value >>> 0, true);
  view.setUint32(at + 8, highHalf(value), true);
  return at + 12;
}
