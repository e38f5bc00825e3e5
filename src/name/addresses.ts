/** IP addresses as people write them. */

const length = 16;
const encoder = new TextEncoder();
const kept = 4096;

/** The texts of addresses, made once each. */
export class Addresses {
  #texts = new Map<string, Uint8Array>();

  /** @param bytes the 16 of IPv6, v4 mapped */
  text(bytes: Uint8Array): Uint8Array {
    const name = bytes.toHex();
    let text = this.#texts.get(name);
    if (text === undefined) {
      if (this.#texts.size >= kept) this.#texts = new Map();
      text = encoder.encode(printAddress(bytes));
      this.#texts.set(name, text);
    }
    return text;
  }
}

/** One address of successive records, which is not even looked up while it stays the same. */
export class AddressField {
  /** those of `::`, which nobody sends from or to, so that the first address is another one */
  readonly #last = new Uint32Array(length / 4);
  #text: Uint8Array = encoder.encode("::");

  /**
   * @param words the ring's data
   * @param offset bytes from the start of a record
   */
  constructor(
    private readonly words: Uint32Array,
    private readonly offset: number,
    private readonly addresses: Addresses,
  ) {}

  /** The address in the record at this word, in network order. */
  bytes(at: number): Uint8Array {
    const { words, offset } = this;
    return new Uint8Array(words.buffer, words.byteOffset + at * 4 + offset, length);
  }

  /** The same as people write it. */
  text(record: number): Uint8Array {
    const { words } = this;
    const at = record + this.offset / 4;
    const last = this.#last;
    // unrolled: as a loop this took a third of a TCP line's time
    const isSame =
      words[at + 3] === last[3] &&
      words[at + 2] === last[2] &&
      words[at + 1] === last[1] &&
      words[at] === last[0];
    return isSame ? this.#text : this.#print(record);
  }

  #print(record: number): Uint8Array {
    const bytes = this.bytes(record);
    this.#text = this.addresses.text(bytes);
    new Uint8Array(this.#last.buffer).set(bytes);
    return this.#text;
  }
}

/** `127.0.0.1` for v4 and v4-mapped, RFC 5952 for IPv6 */
export function printAddress(bytes: Uint8Array): string {
  const mapped =
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (mapped) return bytes.subarray(12).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  const zeros = [...groups.join(":").matchAll(/\b0(?::0\b)+/g)].sort((a, b) => b[0].length - a[0].length)[0];
  const text = groups.join(":");
  if (zeros === undefined) return text;
  const before = text.slice(0, zeros.index).replace(/:$/, "");
  const after = text.slice(zeros.index + zeros[0].length).replace(/^:/, "");
  return `${before}::${after}`;
}
