/** A regular expression as it is written → its tree. It has what an automaton can do, and no more. */
import { UsageError } from "../failure.ts";

/** First and last code point of each range, one pair after the other. */
export type Ranges = readonly number[];

export type Assertion = "start" | "end" | "word" | "no word";

export type Node =
  | { readonly type: "set"; readonly ranges: Ranges }
  | { readonly type: "sequence"; readonly nodes: readonly Node[] }
  | { readonly type: "choice"; readonly nodes: readonly Node[] }
  | { readonly type: "repeat"; readonly node: Node; readonly least: number; readonly most: number }
  | { readonly type: "assertion"; readonly what: Assertion };

/** What a byte stands for that is no part of a UTF-8 character: this and its value. */
export const strayByte = 0x11_0000;
export const lastPoint = strayByte + 0xff;
export const wordRanges: Ranges = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];

const digits: Ranges = [0x30, 0x39];
const spaces: Ranges = [0x09, 0x0d, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029];
const newline: Ranges = [0x0a, 0x0a];
const classes: Readonly<Record<string, Ranges>> = { d: digits, w: wordRanges, s: spaces };
const controls: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, 0: 0 };
const unlimited = -1;
/** the largest number in braces */
const mostTimes = 1000;
const deepest = 100;
/** behind it no letter has two cases */
const lastLetter = 0x1_e943;

export interface Flags {
  /** letters of either case */
  readonly i: boolean;
  /** a dot is a newline, too */
  readonly s: boolean;
}

/** @throws UsageError for what is no expression, or what would take looking back */
export function parse(pattern: string, flags: Flags): Node {
  return new Parser(pattern, flags).whole();
}

/** The text itself. */
export function literally(text: string): Node {
  return { type: "sequence", nodes: [...text].map((character) => single(character.codePointAt(0)!)) };
}

class Parser {
  readonly #points: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(
    private readonly pattern: string,
    private readonly flags: Flags,
  ) {
    this.#points = [...pattern];
  }

  whole(): Node {
    const node = this.#choice();
    if (this.#at < this.#points.length) throw this.#wrong("a ) without its (");
    return node;
  }

  #choice(): Node {
    if (++this.#depth > deepest) throw this.#wrong("groups within groups, too deep");
    const nodes = [this.#sequence()];
    while (this.#skips("|")) nodes.push(this.#sequence());
    this.#depth--;
    return nodes.length === 1 ? nodes[0]! : { type: "choice", nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    while (this.#at < this.#points.length && this.#next !== "|" && this.#next !== ")") {
      nodes.push(this.#repeated(this.#atom()));
    }
    return nodes.length === 1 ? nodes[0]! : { type: "sequence", nodes };
  }

  #repeated(node: Node): Node {
    const times = this.#times();
    if (times === null) return node;
    if (node.type === "assertion") throw this.#wrong("nothing to repeat");
    this.#skips("?"); // whether it takes as little as it can makes no difference to whether there is one
    if (this.#times() !== null) throw this.#wrong("nothing to repeat");
    return { type: "repeat", node, ...times };
  }

  #times(): { least: number; most: number } | null {
    if (this.#skips("*")) return { least: 0, most: unlimited };
    if (this.#skips("+")) return { least: 1, most: unlimited };
    if (this.#skips("?")) return { least: 0, most: 1 };
    const rest = this.#points.slice(this.#at, this.#at + 12).join("");
    const [whole, least, comma, most] = /^\{(\d{1,4})(,?)(\d{0,4})\}/.exec(rest) ?? [];
    if (whole === undefined || (comma === "" && most !== "")) return null;
    this.#at += whole.length;
    const from = Number(least);
    const to = comma === "" ? from : most === "" ? unlimited : Number(most);
    if (Math.max(from, to) > mostTimes || (to !== unlimited && to < from)) throw this.#wrong(`${whole}`);
    return { least: from, most: to };
  }

  #atom(): Node {
    const character = this.#take();
    if (character === "(") return this.#group();
    if (character === "[") return { type: "set", ranges: this.#folded(this.#set()) };
    if (character === ".") return { type: "set", ranges: this.flags.s ? [0, lastPoint] : inverse(newline) };
    if (character === "^") return { type: "assertion", what: "start" };
    if (character === "$") return { type: "assertion", what: "end" };
    if (character === "*" || character === "+" || character === "?") throw this.#wrong("nothing to repeat");
    if (character !== "\\") return { type: "set", ranges: this.#folded(range(character.codePointAt(0)!)) };
    if (this.#next === "b" || this.#next === "B")
      return { type: "assertion", what: this.#take() === "b" ? "word" : "no word" };
    return { type: "set", ranges: this.#folded(this.#escape()) };
  }

  #group(): Node {
    if (this.#skips("?")) {
      if (!this.#skips(":")) throw this.#wrong("only (…) and (?:…) are groups: nothing looks ahead or back");
    }
    const node = this.#choice();
    if (!this.#skips(")")) throw this.#wrong("a ( without its )");
    return node;
  }

  /** Behind a backslash. */
  #escape(): Ranges {
    const character = this.#at < this.#points.length ? this.#take() : "";
    if (character === "") throw this.#wrong("a \\ at its end");
    const known = classes[character] ?? classes[character.toLowerCase()];
    if (known !== undefined) return classes[character] === undefined ? inverse(known) : known;
    if (character === "x") return this.#hexadecimal(/^[\da-f]{2}/i, true);
    if (character === "u") return this.#hexadecimal(/^[\da-f]{4}|^\{[\da-f]{1,6}\}/i, false);
    const control = controls[character];
    if (control !== undefined) return range(control);
    if (/[\da-zA-Z]/.test(character)) throw this.#wrong(`\\${character} means nothing here`);
    return range(character.codePointAt(0)!);
  }

  #hexadecimal(form: RegExp, isByte: boolean): Ranges {
    const [digits = ""] = form.exec(this.#points.slice(this.#at, this.#at + 8).join("")) ?? [];
    const point = Number.parseInt(digits.replace(/[{}]/g, ""), 16);
    if (!(point < strayByte)) throw this.#wrong("a number that is no character");
    this.#at += digits.length;
    return isByte && point > 0x7f ? [point, point, strayByte + point, strayByte + point] : range(point);
  }

  /** Behind a `[`. */
  #set(): Ranges {
    const isNegated = this.#skips("^");
    const ranges: number[] = [];
    while (!this.#skips("]")) {
      if (this.#at === this.#points.length) throw this.#wrong("a [ without its ]");
      const first = this.#member();
      const isRange = this.#next === "-" && this.#points[this.#at + 1] !== "]" && isOne(first);
      if (!isRange) {
        ranges.push(...first);
        continue;
      }
      this.#take();
      const last = this.#member();
      if (!isOne(last) || last[0]! < first[0]!) throw this.#wrong("a range that ends before it begins");
      ranges.push(first[0]!, last[0]!);
    }
    return isNegated ? inverse(this.#folded(ranges)) : ranges;
  }

  #member(): Ranges {
    const character = this.#take();
    if (character !== "\\") return range(character.codePointAt(0)!);
    if (this.#skips("b")) return range(0x08);
    return this.#escape();
  }

  /** With the other case of each letter. */
  #folded(ranges: Ranges): Ranges {
    if (!this.flags.i) return ranges;
    const all = [...ranges];
    for (const [point, other] of otherCases()) if (isIn(ranges, point)) all.push(...range(other));
    return merged(all);
  }

  get #next(): string | undefined {
    return this.#points[this.#at];
  }

  #take(): string {
    const character = this.#points[this.#at++];
    if (character === undefined) throw this.#wrong("its end comes too early");
    return character;
  }

  #skips(character: string): boolean {
    if (this.#next !== character) return false;
    this.#at++;
    return true;
  }

  #wrong(why: string): UsageError {
    return new UsageError(`--match /${this.pattern}/: ${why}`);
  }
}

let cases: readonly (readonly [point: number, other: number])[] | null = null;

/** Letters, and what they are in the other case. */
function otherCases(): readonly (readonly [point: number, other: number])[] {
  if (cases !== null) return cases;
  const found: [number, number][] = [];
  for (let point = 0; point <= lastLetter; point++) {
    const character = String.fromCodePoint(point);
    for (const other of [character.toLowerCase(), character.toUpperCase()]) {
      if (other !== character && [...other].length === 1) found.push([point, other.codePointAt(0)!]);
    }
  }
  cases = found;
  return found;
}

/** Whether a code point is in one of these. */
export function isIn(ranges: Ranges, point: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) if (point >= ranges[i]! && point <= ranges[i + 1]!) return true;
  return false;
}

function range(point: number): Ranges {
  return [point, point];
}

function single(point: number): Node {
  return { type: "set", ranges: range(point) };
}

function isOne(ranges: Ranges): boolean {
  return ranges.length === 2 && ranges[0] === ranges[1];
}

/** In order, and those that touch are one. */
function merged(ranges: Ranges): Ranges {
  const pairs = Array.from({ length: ranges.length / 2 }, (_, i) => [ranges[i * 2]!, ranges[i * 2 + 1]!]);
  pairs.sort(([a = 0], [b = 0]) => a - b);
  const all: number[] = [];
  for (const [first = 0, last = 0] of pairs) {
    const before = all.at(-1);
    if (before !== undefined && first <= before + 1) all[all.length - 1] = Math.max(before, last);
    else all.push(first, last);
  }
  return all;
}

/** All others. */
function inverse(ranges: Ranges): Ranges {
  const others: number[] = [];
  const all = merged(ranges);
  let from = 0;
  for (let i = 0; i < all.length; i += 2) {
    if (all[i]! > from) others.push(from, all[i]! - 1);
    from = all[i + 1]! + 1;
  }
  if (from <= lastPoint) others.push(from, lastPoint);
  return others;
}
