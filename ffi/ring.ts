/**
 * The BPF ring buffer, mapped: plain loads of the kernel's pages (Atomics.load on a read-only page
 * crashes Bun), one atomic store to give room back. The data pages begin once more behind their end, so a
 * record never wraps; only as many of them as the longest one needs, for all that is mapped is resident.
 */
import { whole } from "./halves.ts";
import { Mapping, PROT_READ, PROT_WRITE, pageSize, Waiter } from "./libc.ts";

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

export class Ring implements Disposable {
  /** the data, as words and as bytes */
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  /** after `next`: index of the record's first word, and its length in bytes */
  at = 0;
  length = 0;
  /** position of the record that `next` found */
  position = 0;
  readonly #consumer: Mapping;
  readonly #producer: Mapping;
  readonly #consumed: BigUint64Array;
  readonly #produced: Uint32Array;
  readonly #waiter: Waiter;
  readonly #mask: number;
  #cursor = 0;
  #end = 0;

  /** @param size in bytes, as the map was made */
  constructor(
    fd: number,
    readonly size: number,
  ) {
    this.#consumer = new Mapping(fd, pageSize, PROT_READ | PROT_WRITE, 0, "the ring buffer");
    this.#producer = new Mapping(
      fd,
      pageSize + size + Math.min(size, longestRecord),
      PROT_READ,
      pageSize,
      "the ring buffer",
    );
    this.#consumed = new BigUint64Array(this.#consumer.buffer, 0, 1);
    this.#produced = new Uint32Array(this.#producer.buffer, 0, 2);
    this.words = new Uint32Array(this.#producer.buffer, dataStart);
    this.bytes = new Uint8Array(this.#producer.buffer, dataStart);
    this.#waiter = new Waiter(fd);
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
      this.#cursor += headerSize + ((length + 7) & ~7);
      if ((header & discardBit) !== 0) continue;
      this.at = (offset + headerSize) >>> 2;
      this.length = length;
      return true;
    }
  }

  /** Where the kernel writes next: what comes before it has happened by now. Only ever grows. */
  get produced(): number {
    return whole(this.#produced[0]!, this.#produced[1]!);
  }

  /** Where `next` reads on. Only ever grows. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Gives everything before `position`, up to the cursor, back to the kernel: views into it are dead now. */
  release(position: number): void {
    Atomics.store(this.#consumed, 0, BigInt(position));
  }

  /** Sleeps until a program wakes the reader, at most so long; signals end it early. */
  wait(milliseconds: number): void {
    this.#waiter.wait(milliseconds);
  }

  /** Something readable there ends `wait` as well. */
  watch(fd: number): void {
    this.#waiter.watch(fd);
  }

  [Symbol.dispose](): void {
    this.#waiter[Symbol.dispose]();
    this.#producer[Symbol.dispose]();
    this.#consumer[Symbol.dispose]();
  }
}
