/** Messages of Protocol Buffers: fields by number, as far as texts and messages within messages go. */

const varint = 0;
const fixed64 = 1;
const delimited = 2;
const fixed32 = 5;
const decoder = new TextDecoder();

/** The fields of one message. Those of other types than text, bytes and message are passed over. */
export class Fields {
  readonly #values = new Map<number, Uint8Array[]>();
  #at = 0;

  /** @throws Error for what is no message */
  constructor(private readonly bytes: Uint8Array) {
    while (this.#at < bytes.length) {
      const key = this.#number();
      const type = key % 8;
      if (type === delimited) this.#keep(Math.floor(key / 8), this.#number());
      else if (type === varint) this.#number();
      else if (type === fixed64) this.#at += 8;
      else if (type === fixed32) this.#at += 4;
      else throw new Error(`no message: a field of type ${type}`);
    }
    if (this.#at > bytes.length) throw new Error("no message: it ends within a field");
  }

  #number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.#at++];
      if (byte === undefined) throw new Error("no message: it ends within a number");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  #keep(field: number, length: number): void {
    const values = this.#values.get(field) ?? [];
    values.push(this.bytes.subarray(this.#at, this.#at + length));
    this.#values.set(field, values);
    this.#at += length;
  }

  /** The last of that number, empty without one. */
  text(field: number): string {
    return decoder.decode(this.#values.get(field)?.at(-1));
  }

  /** The last of that number. @throws Error when it is none */
  message(field: number): Fields | null {
    return this.messages(field).at(-1) ?? null;
  }

  /** All of that number, in order. @throws Error when one is none */
  messages(field: number): Fields[] {
    return (this.#values.get(field) ?? []).map((bytes) => new Fields(bytes));
  }

  /** A map from texts to texts. @throws Error when it is none */
  texts(field: number): Map<string, string> {
    return new Map(this.messages(field).map((entry) => [entry.text(1), entry.text(2)]));
  }
}
