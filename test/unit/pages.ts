import { pageSize } from "../../ffi/libc.ts";
import { Ring } from "../../ffi/ring.ts";

/** the data, and what a record may have of it */
export const size = 1 << 26;
const long = size - 8;
const busy = 0x8000_0000;
export const discarded = 0x4000_0000;

/** A ring as the kernel would fill it. */
export class Fake {
  readonly consumer = new ArrayBuffer(pageSize);
  readonly producer = new ArrayBuffer(pageSize + size);
  readonly #produced = new Uint32Array(this.producer, 0, 2);
  readonly #words = new Uint32Array(this.producer, pageSize);
  disposals = 0;
  readonly ring = new Ring(
    {
      consumer: this.consumer,
      producer: this.producer,
      waiter: { wait: () => false, watch: () => {} },
      resources: { [Symbol.dispose]: () => void this.disposals++ },
    },
    size,
  );
  #at = 0;

  /** Reserves a record of one word beside its header: where that is. */
  reserve(word: number, flags = busy): number {
    const at = this.#at;
    this.#words[(at & (size - 1)) / 4] = 4 | flags;
    this.#words[(at & (size - 1)) / 4 + 2] = word;
    this.advance(16);
    return at;
  }

  /** The same of a discarded one that takes all there is: where the next one will be. */
  reserveLong(): number {
    this.#words[(this.#at & (size - 1)) / 4] = long | discarded;
    this.advance(size);
    return this.#at;
  }

  /** Where the kernel writes goes on, the lower half of it first. */
  advance(bytes: number): void {
    this.#at += bytes;
    this.#produced[0] = this.#at >>> 0;
    this.onTorn?.();
    this.#produced[1] = Math.floor(this.#at / 0x1_0000_0000);
  }

  onTorn: (() => void) | null = null;

  submit(at: number): void {
    this.#words[(at & (size - 1)) / 4]! &= ~busy;
  }

  /** What can be read. */
  read(): number[] {
    const found: number[] = [];
    while (this.ring.next()) found.push(this.ring.words[this.ring.at]!);
    return found;
  }

  get consumed(): number {
    return Number(new BigUint64Array(this.consumer)[0]);
  }
}
