import { type Literal, literalOf, Output } from "../bytes/output.ts";
import type { Key } from "../event.ts";

/** A text that was written, with its name in front once it came again. */
interface Written {
  value: Uint8Array | null;
  isFirst: boolean;
  text: Literal | null;
}

interface Field {
  readonly first: Literal;
  readonly next: Literal;
  /** the last two: where one end answers the other, theirs alternate */
  last: Written;
  other: Written;
}

/** The names of meta with their punctuation, and the texts behind them as long as they stay the same. */
export class Members {
  /** by the id of the key */
  readonly #members: Field[] = [];
  readonly #scratch = new Output(256);
  readonly #name: (key: Key, isFirst: boolean, out: Output) => void;
  readonly #text: (value: Uint8Array, out: Output) => void;

  /**
   * @param name writes a key and what stands before and behind it
   * @param text writes a text behind it
   */
  constructor(
    name: (key: Key, isFirst: boolean, out: Output) => void,
    text: (value: Uint8Array, out: Output) => void,
  ) {
    this.#name = name;
    this.#text = text;
  }

  /** Writes a key. */
  name(key: Key, isFirst: boolean, out: Output): void {
    const member = this.#members[key.id] ?? this.#add(key);
    out.literal(isFirst ? member.first : member.next);
  }

  /** Writes a key and a text, whose bytes never change: the same array is the same text. */
  text(key: Key, value: Uint8Array, isFirst: boolean, out: Output): void {
    const member = this.#members[key.id] ?? this.#add(key);
    let written = member.last;
    if (written.value !== value) {
      written = member.other;
      member.other = member.last;
      member.last = written;
    }
    if (written.value === value && written.isFirst === isFirst) {
      written.text ??= this.#made((scratch) => this.#write(member, value, isFirst, scratch));
      out.literal(written.text);
      return;
    }
    written.value = value;
    written.isFirst = isFirst;
    written.text = null;
    this.#write(member, value, isFirst, out);
  }

  #write(member: Field, value: Uint8Array, isFirst: boolean, out: Output): void {
    out.literal(isFirst ? member.first : member.next);
    this.#text(value, out);
  }

  #add(key: Key): Field {
    const first = this.#made((out) => this.#name(key, true, out));
    const next = this.#made((out) => this.#name(key, false, out));
    const nothing = { value: null, isFirst: false, text: null };
    const member = { first, next, last: { ...nothing }, other: { ...nothing } };
    this.#members[key.id] = member;
    return member;
  }

  #made(write: (out: Output) => void): Literal {
    const scratch = this.#scratch;
    scratch.clear();
    write(scratch);
    return literalOf(scratch.bytes.subarray(0, scratch.length));
  }
}
