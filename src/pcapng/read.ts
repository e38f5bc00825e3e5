/** Blocks of a pcapng file, as they come: from a file, or from a pipe that goes on. */
import { Block, byteOrderMagic } from "./block.ts";

/** Longer than any block that is written; what claims to be longer is damage. */
const longest = 16 * 1024 * 1024;
const shortest = 12;
const swappedMagic = 0x4d3c2b1a;

/** What can't be read, and where: bytes from the file's beginning. */
export class Damage extends Error {
  constructor(
    reason: string,
    readonly offset: number,
  ) {
    super(reason);
  }
}

/** One block; good until the next one is asked for. */
export interface Read {
  type: number;
  /** its body, without the lengths around it */
  body: DataView;
  isLittle: boolean;
  /** where it began in the file */
  offset: number;
}

export class BlockReader {
  #bytes = new Uint8Array(256 * 1024);
  #start = 0;
  #end = 0;
  /** of the file before `#start` */
  #passed = 0;
  #isLittle = true;
  #isFirst = true;

  /** Takes in what was read. */
  add(chunk: Uint8Array): void {
    const held = this.#end - this.#start;
    if (this.#end + chunk.length > this.#bytes.length) {
      const room = held + chunk.length;
      const bytes = room > this.#bytes.length ? new Uint8Array(room * 2) : this.#bytes;
      bytes.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = bytes;
      this.#start = 0;
      this.#end = held;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next block; null when more of it has to be read. @throws Damage */
  next(): Read | null {
    const held = this.#end - this.#start;
    if (held < shortest) return null;
    const offset = this.#passed;
    const view = new DataView(this.#bytes.buffer, this.#start, held);
    const first = view.getUint32(0, true);
    if (first === Block.SECTION) this.#beginSection(view.getUint32(8, true), offset);
    else if (this.#isFirst) throw new Damage("it does not begin as pcapng", offset);
    this.#isFirst = false;
    const length = view.getUint32(4, this.#isLittle);
    if (length < shortest || length % 4 !== 0 || length > longest)
      throw new Damage(`a block of ${length} bytes`, offset);
    if (held < length) return null;
    if (view.getUint32(length - 4, this.#isLittle) !== length)
      throw new Damage("a block whose two lengths differ", offset);
    const body = new DataView(this.#bytes.buffer, this.#start + 8, length - shortest);
    this.#start += length;
    this.#passed += length;
    return { type: view.getUint32(0, this.#isLittle), body, isLittle: this.#isLittle, offset };
  }

  /** The file has ended. @throws Damage when that was within a block */
  finish(): void {
    const held = this.#end - this.#start;
    if (this.#isFirst && held > 0) throw new Damage("it does not begin as pcapng", 0);
    if (this.#isFirst) throw new Damage("it is empty", 0);
    if (held > 0) throw new Damage("it ends within a block", this.#passed);
  }

  #beginSection(magic: number, offset: number): void {
    if (magic !== byteOrderMagic && magic !== swappedMagic)
      throw new Damage("a section of unknown byte order", offset);
    this.#isLittle = magic === byteOrderMagic;
  }
}

/** The options from byte `start` of a block's body on; `found` is called with each, and where its value lies. */
export function eachOption(
  { body, isLittle }: Read,
  start: number,
  found: (code: number, at: number, length: number) => void,
): void {
  let at = start;
  while (at + 4 <= body.byteLength) {
    const code = body.getUint16(at, isLittle);
    const length = body.getUint16(at + 2, isLittle);
    if (code === 0 || at + 4 + length > body.byteLength) return;
    found(code, at + 4, length);
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
}

/** A part of a block's body. */
export function bytesOf({ body }: Read, at: number, length: number): Uint8Array {
  return new Uint8Array(body.buffer, body.byteOffset + at, Math.min(length, body.byteLength - at));
}
