import { decode } from "../bytes/utf8.ts";

/** An element of a pattern is a byte (0 to 255) or one of these. From `sets` on it is a set, by its index. */
const anyOne = 256;
const anyMany = 257;
const sets = 258;

/** One element of a pattern, as far as single bytes go. */
export interface GlobElement {
  /** `*`: any number of bytes */
  readonly isMany: boolean;
  /** whether it takes this byte, below 128 or of a plain character */
  takes(byte: number): boolean;
  /** whether it takes characters, which may be several bytes above 127 */
  readonly isWide: boolean;
}

interface CharacterSet {
  readonly negated: boolean;
  /** first and last code point, one pair after the other */
  readonly ranges: readonly number[];
}

const encoder = new TextEncoder();
const set = /([!^]?)(\]?[^\]]*)\]/suy;

/**
 * A shell pattern for bytes: `*` (a slash too), `?`, `[a-z]`, `[!a-z]`, `\` before what is meant
 * literally. It has to match the whole of a name; `?` and sets match one UTF-8 character.
 */
export class Glob {
  readonly #elements: number[] = [];
  readonly #sets: CharacterSet[] = [];

  constructor(readonly pattern: string) {
    for (let at = 0; at < pattern.length; ) at = this.#element(at);
  }

  /** Adds what stands at `at`; where the next element begins. */
  #element(at: number): number {
    const character = String.fromCodePoint(this.pattern.codePointAt(at)!);
    const next = at + character.length;
    if (character === "*") this.#elements.push(anyMany);
    else if (character === "?") this.#elements.push(anyOne);
    else if (character === "[") return this.#set(next);
    else if (character === "\\" && next < this.pattern.length) return this.#literal(next);
    else return this.#literal(at);
    return next;
  }

  #literal(at: number): number {
    const character = String.fromCodePoint(this.pattern.codePointAt(at)!);
    this.#elements.push(...encoder.encode(character));
    return at + character.length;
  }

  /** `[` without its `]` is a plain character; `]` right behind it belongs to the set. */
  #set(at: number): number {
    set.lastIndex = at;
    const found = at <= this.pattern.lastIndexOf("]") ? set.exec(this.pattern) : null;
    const [whole = "", negation, members = ""] = found ?? [];
    if (members === "") return this.#literal(at - 1);
    const ranges: number[] = [];
    const points = [...members].map((character) => character.codePointAt(0)!);
    for (let i = 0; i < points.length; i++) {
      const isRange = points[i + 1] === 0x2d && i + 2 < points.length;
      ranges.push(points[i]!, points[isRange ? i + 2 : i]!);
      if (isRange) i += 2;
    }
    this.#elements.push(sets + this.#sets.length);
    this.#sets.push({ negated: negation !== "", ranges });
    return at + whole.length;
  }

  /** Whether all of `bytes` is like the pattern; without allocations, in quadratic time at worst. */
  matches(bytes: Uint8Array): boolean {
    const elements = this.#elements;
    let at = 0;
    let element = 0;
    // where to go on when it fails: the last `*`, which then takes one byte more
    let star = -1;
    let taken = 0;
    while (at < bytes.length) {
      const wanted = element < elements.length ? elements[element]! : -1;
      if (wanted === anyMany) {
        star = element++;
        taken = at;
        continue;
      }
      const length = wanted < 0 ? 0 : this.#one(wanted, bytes, at);
      if (length > 0) {
        at += length;
        element++;
      } else if (star >= 0) {
        element = star + 1;
        at = ++taken;
      } else {
        return false;
      }
    }
    while (elements[element] === anyMany) element++;
    return element === elements.length;
  }

  /** What the pattern is made of, for who matches by other means. */
  get elements(): GlobElement[] {
    return this.#elements.map((element) => ({
      isMany: element === anyMany,
      isWide: element >= anyOne && element !== anyMany,
      takes: (byte) => element !== anyMany && this.#one(element, Uint8Array.of(byte), 0) > 0,
    }));
  }

  /** How many bytes an element matches at `at`: 0 is none. */
  #one(wanted: number, bytes: Uint8Array, at: number): number {
    if (wanted < anyOne) return bytes[at] === wanted ? 1 : 0;
    const character = decode(bytes, at, bytes.length);
    const length = character & 7;
    if (wanted === anyOne) return length;
    const point = character >>> 3;
    const { negated, ranges } = this.#sets[wanted - sets]!;
    let inside = false;
    for (let i = 0; i < ranges.length; i += 2) inside ||= point >= ranges[i]! && point <= ranges[i + 1]!;
    return inside === negated ? 0 : length;
  }
}
