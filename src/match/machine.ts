/** The tree of an expression → steps that an automaton goes, and the classes of characters that they tell apart. */
import { UsageError } from "../failure.ts";
import { type Assertion, isIn, lastPoint, type Node, type Ranges, wordRanges } from "./syntax.ts";

/** steps of an expression, those of repeated parts each time: what a byte costs at worst */
const mostSteps = 500;
const newline = 0x0a;

export type Step =
  | { readonly type: "take"; readonly takes: Uint8Array; readonly next: number }
  | { readonly type: "both"; readonly next: number; readonly other: number }
  | { readonly type: "assert"; readonly what: Assertion; readonly next: number }
  | { readonly type: "found" };

type Draft =
  | { type: "take"; ranges: Ranges; next: number }
  | { type: "both"; next: number; other: number }
  | { type: "assert"; what: Assertion; next: number }
  | { type: "found" };

/** Kinds of characters that assertions ask for. */
export const characterKind = { none: 0, word: 1, newline: 2, other: 3 } as const;

export class Machine {
  readonly steps: readonly Step[];
  readonly start: number;
  /** how many classes there are */
  readonly classes: number;
  /** one of characterKind by class */
  readonly kinds: Uint8Array;
  /** the first code point of each class */
  readonly #bounds: readonly number[];
  readonly #low = new Uint16Array(256);
  readonly #drafts: Draft[] = [];

  /** @param written the expression as the user wrote it. @throws UsageError when it is too long */
  constructor(
    root: Node,
    private readonly written: string,
  ) {
    const found = this.#add({ type: "found" });
    this.start = this.#compile(root, found);
    this.#bounds = bounds(this.#drafts);
    this.classes = this.#bounds.length;
    this.kinds = Uint8Array.from(this.#bounds, kindOf);
    for (let byte = 0; byte < this.#low.length; byte++) this.#low[byte] = this.#search(byte);
    this.steps = this.#drafts.map((draft) =>
      draft.type === "take"
        ? {
            type: "take",
            takes: Uint8Array.from(this.#bounds, (point) => (isIn(draft.ranges, point) ? 1 : 0)),
            next: draft.next,
          }
        : draft,
    );
  }

  /** The class of a code point. */
  classOf(point: number): number {
    return point < this.#low.length ? this.#low[point]! : this.#search(point);
  }

  #search(point: number): number {
    let [low, high] = [0, this.#bounds.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#bounds[middle]! <= point) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Adds a node that goes on at `next`; where it begins. */
  #compile(node: Node, next: number): number {
    if (node.type === "set") return this.#add({ type: "take", ranges: node.ranges, next });
    if (node.type === "assertion") return this.#add({ type: "assert", what: node.what, next });
    if (node.type === "sequence") return node.nodes.reduceRight((to, one) => this.#compile(one, to), next);
    if (node.type === "choice") {
      const [last, ...others] = node.nodes.map((one) => this.#compile(one, next)).reverse();
      return others.reduce((other, one) => this.#add({ type: "both", next: one, other }), last!);
    }
    return this.#repeat(node.node, node.least, node.most, next);
  }

  #repeat(node: Node, least: number, most: number, next: number): number {
    let at = next;
    if (most < 0) {
      const loop: Draft = { type: "both", next: 0, other: next };
      at = this.#add(loop);
      loop.next = this.#compile(node, at);
    }
    for (let i = least; i < most; i++)
      at = this.#add({ type: "both", next: this.#compile(node, at), other: next });
    for (let i = 0; i < least; i++) at = this.#compile(node, at);
    return at;
  }

  #add(draft: Draft): number {
    if (this.#drafts.length >= mostSteps)
      throw new UsageError(`--match ${this.written}: too long, or repeated too often`);
    this.#drafts.push(draft);
    return this.#drafts.length - 1;
  }
}

function bounds(drafts: readonly Draft[]): number[] {
  const all = new Set([0, newline, newline + 1]);
  const add = (ranges: Ranges) => {
    for (let i = 0; i < ranges.length; i += 2) {
      all.add(ranges[i]!);
      all.add(ranges[i + 1]! + 1);
    }
  };
  add(wordRanges);
  for (const draft of drafts) if (draft.type === "take") add(draft.ranges);
  return [...all].filter((point) => point <= lastPoint).sort((a, b) => a - b);
}

function kindOf(point: number): number {
  if (point === newline) return characterKind.newline;
  return isIn(wordRanges, point) ? characterKind.word : characterKind.other;
}
