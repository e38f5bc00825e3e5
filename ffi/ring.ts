/**
 * The BPF ring buffer, mapped: plain loads of the kernel's pages (Atomics.load on a read-only page
 * crashes Bun), one atomic store to give room back. The data pages begin once more behind their end, so a
 * record never wraps; only as many of them as the longest one needs, for all that is mapped is resident.
 */
import { Mapping, PROT_READ, PROT_WRITE, pageSize, Waiter } from "./libc.ts";
import { Life } from "./life.ts";

const busyBit = 0x8000_0000;
const discardBit = 0x4000_0000;
const lengthMask = 0x3fff_ffff;
const headerSize = 8;
const dataStart = pageSize;
/** bytes of a record with its header at most; whole pages of any size there is */
export const longestRecord = 0x1_0000;
/** Here loads happen in the order they are written in; elsewhere a record must not be read before its header. */
const isOrdered = process.arch === "x64";
const fence = new Int32Array(new SharedArrayBuffer(4));

/** What a ring is made of. */
export interface Pages {
  /** a page that says up to where it was read */
  readonly consumer: ArrayBuffer;
  /** one that says up to where it is written, and the data */
  readonly producer: ArrayBuffer;
  readonly waiter: Pick<Waiter, "wait" | "watch">;
  readonly resources: Disposable;
}

export class Ring implements Disposable {
  /** the data, as words and as bytes */
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  /** after `next`: index of the record's first word, and its length in bytes */
  at = 0;
  length = 0;
  /** position of the record that `next` found */
  position = 0;
  readonly #pages: Pages;
  readonly #consumed: BigUint64Array;
  readonly #produced: Uint32Array;
  readonly #mask: number;
  #cursor = 0;
  #end = 0;
  /** where the first record is that was passed while busy */
  #passed = Number.POSITIVE_INFINITY;
  readonly #life = new Life("the ring buffer");

  /** Maps the ring of a map of `size` bytes. @throws NativeError */
  static open(fd: number, size: number): Ring {
    using made = new DisposableStack();
    const map = (length: number, protection: number, offset: number) =>
      made.use(new Mapping(fd, length, protection, offset, "the ring buffer")).buffer;
    const consumer = map(pageSize, PROT_READ | PROT_WRITE, 0);
    const producer = map(pageSize + size + Math.min(size, longestRecord), PROT_READ, pageSize);
    const waiter = made.use(new Waiter(fd));
    return new Ring({ consumer, producer, waiter, resources: made.move() }, size);
  }

  /** @param size of the data, in bytes */
  constructor(
    pages: Pages,
    readonly size: number,
  ) {
    this.#pages = pages;
    this.#consumed = new BigUint64Array(pages.consumer, 0, 1);
    this.#produced = new Uint32Array(pages.producer, 0, 1);
    this.words = new Uint32Array(pages.producer, dataStart);
    this.bytes = new Uint8Array(pages.producer, dataStart);
    this.#mask = size - 1;
  }

  /** Goes to the next committed record: true, and `at` and `length` are its. */
  next(): boolean {
    for (;;) {
      if (this.#cursor >= this.#end) {
        this.#end = this.produced;
        if (this.#cursor >= this.#end) return false;
        if (!isOrdered) Atomics.add(fence, 0, 1);
      }
      // & is modulo 2^32, which the mask is far below
      const offset = this.#cursor & this.#mask;
      const header = this.words[offset >>> 2]!;
      if ((header & busyBit) !== 0) return false;
      if (!isOrdered) Atomics.add(fence, 0, 1);
      const length = header & lengthMask;
      this.position = this.#cursor;
      this.#cursor += sizeOf(header);
      if ((header & discardBit) !== 0) continue;
      this.at = (offset + headerSize) >>> 2;
      this.length = length;
      return true;
    }
  }

  /** Where the kernel writes next: what comes before it has happened by now. Only ever grows. */
  get produced(): number {
    this.#life.check();
    // never so far ahead that the lower half would not do; both halves could be of different times
    return this.#cursor + ((this.#produced[0]! - this.#cursor) >>> 0);
  }

  /** Where `next` reads on. Only ever grows. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Whether the next record is still being written. */
  get isBusy(): boolean {
    return this.#cursor < this.produced && (this.#header & busyBit) !== 0;
  }

  /** Passes over a record that is still being written. Its writer may go on, so no room from there on is given back. */
  pass(): void {
    this.#passed = Math.min(this.#passed, this.#cursor);
    this.#cursor += sizeOf(this.#header);
  }

  get #header(): number {
    return this.words[(this.#cursor & this.#mask) >>> 2]!;
  }

  /** Gives everything before `position`, up to the cursor, back to the kernel: views into it are dead now. */
  release(position: number): void {
    this.#life.check();
    Atomics.store(this.#consumed, 0, BigInt(Math.min(position, this.#passed)));
  }

  /** Sleeps until a program wakes the reader, at most so long; signals end it early. */
  wait(milliseconds: number): void {
    this.#pages.waiter.wait(milliseconds);
  }

  /** Something readable there ends `wait` as well. */
  watch(fd: number): void {
    this.#pages.waiter.watch(fd);
  }

  [Symbol.dispose](): void {
    this.#life.end();
    this.#end = this.#cursor;
    this.#pages.resources[Symbol.dispose]();
  }
}

/** Bytes from a record's header to the next one's. */
function sizeOf(header: number): number {
  return headerSize + (((header & lengthMask) + 7) & ~7);
}
