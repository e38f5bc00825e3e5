/**
 * Finds the end of a JSON object, in whatever pieces it comes, and a few of its members. Nothing else is kept, so an
 * object may be as long as it likes; a parser would have to see all of it at once.
 */
import { latin1 } from "../../bytes/latin1.ts";
import { same } from "../../bytes/same.ts";
import type { Word } from "../message.ts";
import { text as wordOf } from "./words.ts";

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;
/** of a member's name, or of a value that is kept */
const longest = 1024;
/** objects and lists within each other */
const deepest = 1000;

/** what an object, or a list, answers when it is asked for */
const something = new TextEncoder().encode("{}");

type Read = number;
/** answers of `read`: there is more to come, and this is no object */
export const goesOn: Read = -1;
export const isNone: Read = -2;

/** A member that is wanted, and those within it. */
interface WantedMember {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly within: readonly WantedMember[];
}

function wantedOf(paths: readonly string[], prefix: string): WantedMember[] {
  return paths
    .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes("."))
    .map((path) => ({
      path,
      bytes: new TextEncoder().encode(path.slice(prefix.length)),
      within: wantedOf(paths, `${path}.`),
    }));
}

export class JsonSkimmer {
  /** of the members that are wanted: a text or a number; `{}` for an object or a list */
  readonly values = new Map<string, Word>();
  readonly #text = new Uint8Array(longest);
  #length = 0;
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  #hasEscapes = false;
  /** whether a string is the name of a member, for the two outermost objects only */
  #isName = false;
  #isScalar = false;
  /** the name of the value that comes, when it is wanted */
  #member: string | null = null;
  /** the outermost member, when one within it is wanted */
  #outer: WantedMember | null = null;
  readonly #wanted: readonly WantedMember[];
  /** whether the second level is an object, whose members have names */
  #isInner = false;

  /** @param wanted names of members, `error.code` within an object */
  constructor(wanted: readonly string[]) {
    this.#wanted = wantedOf(wanted, "");
  }

  begin(): void {
    this.values.clear();
    this.#length = 0;
    this.#depth = 0;
    this.#isString = false;
    this.#isName = false;
    this.#isScalar = false;
    this.#member = null;
    this.#outer = null;
  }

  /** Reads on; the index behind the end of the object. */
  read(bytes: Uint8Array, at: number, end: number): Read {
    for (let i = at; i < end; i++) {
      if (this.#isString) {
        i = this.#string(bytes, i, end);
        continue;
      }
      const byte = bytes[i] as number;
      if (byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return isNone;
      switch (byte) {
        case quote:
          if (this.#depth === 0) return isNone;
          this.#isString = true;
          this.#isEscaped = false;
          this.#hasEscapes = false;
          this.#length = 0;
          break;
        case openObject:
        case openList:
          if (this.#depth === 0 && byte === openList) return isNone;
          this.#keep(something);
          if (++this.#depth > deepest) return isNone;
          if (this.#depth === 2) this.#isInner = byte === openObject;
          this.#isName = this.#depth === 1 || (this.#depth === 2 && this.#isInner);
          break;
        case closeObject:
        case closeList:
          this.#endScalar();
          if (--this.#depth < 0) return isNone;
          this.#isName = false;
          if (this.#depth === 0) return byte === closeObject ? i + 1 : isNone;
          break;
        case comma:
          this.#endScalar();
          this.#isName = this.#depth === 1 || (this.#depth === 2 && this.#isInner);
          break;
        case colon:
          this.#isName = false;
          break;
        case 0x20:
        case 0x09:
        case 0x0a:
        case 0x0d:
          break;
        default:
          if (this.#depth === 0) return isNone;
          if (this.#depth > 2) break;
          if (!this.#isScalar) this.#length = 0;
          this.#isScalar = true;
          if (this.#length < longest) this.#text[this.#length++] = byte;
      }
    }
    return goesOn;
  }

  /** A member as text; empty when there is none. */
  text(name: string): string {
    const value = this.values.get(name);
    return value === undefined ? "" : typeof value === "number" ? `${value}` : Buffer.from(value).toString();
  }

  /** The index of the quote that ends a string, else the end of what is there. */
  #string(bytes: Uint8Array, at: number, end: number): number {
    let i = at;
    if (this.#isEscaped && i < end) i++;
    this.#isEscaped = false;
    let isEnded = false;
    for (; i < end && !isEnded; i++) {
      const byte = bytes[i];
      if (byte === quote) {
        isEnded = true;
      } else if (byte === backslash) {
        this.#hasEscapes = true;
        this.#isEscaped = i + 1 === end;
        i++;
      }
    }
    const last = Math.min(i, end) - (isEnded ? 1 : 0);
    const isKept = this.#depth <= 2 && (this.#isName || this.#member !== null);
    for (let from = at; isKept && from < last && this.#length < longest; from++) {
      this.#text[this.#length++] = bytes[from] as number;
    }
    if (!isEnded) return end;
    this.#endString();
    return last;
  }

  #endString(): void {
    this.#isString = false;
    if (this.#depth > 2 || (!this.#isName && this.#member === null)) return;
    if (this.#isName) this.#named();
    else
      this.#keep(
        this.#hasEscapes ? unescaped(this.#text.slice(0, this.#length)) : this.#text.slice(0, this.#length),
      );
  }

  /** The name of a member, whose value comes next. Names are compared as bytes: most are not wanted. */
  #named(): void {
    const list = this.#depth === 1 ? this.#wanted : (this.#outer?.within ?? []);
    let found: WantedMember | null = null;
    for (const one of list) if (same(one.bytes, this.#text, this.#length)) found = one;
    this.#member = found?.path ?? null;
    if (this.#depth === 1) this.#outer = found;
  }

  #endScalar(): void {
    if (!this.#isScalar) return;
    this.#isScalar = false;
    if (this.#member === null) return;
    const raw = latin1(this.#text, 0, this.#length);
    const number = Number(raw);
    this.#keep(Number.isSafeInteger(number) ? number : wordOf(raw));
  }

  #keep(value: Word): void {
    if (this.#member !== null && this.#depth > 0 && this.#depth <= 2) this.values.set(this.#member, value);
    this.#member = null;
  }
}

function unescaped(bytes: Uint8Array): Uint8Array {
  const raw = Buffer.from(bytes).toString();
  try {
    return wordOf(JSON.parse(`"${raw}"`));
  } catch {
    return bytes.slice(); // cut off within an escape, or none
  }
}
