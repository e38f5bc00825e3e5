/**
 * A --match: a text, or an expression between slashes, that contents are searched for. An automaton goes over them
 * once and never back, and makes its states as it meets them: no expression can make it slow.
 */
import { decode, invalid } from "../bytes/utf8.ts";
import { UsageError } from "../failure.ts";
import { characterKind, Machine } from "./machine.ts";
import { literally, parse, strayByte } from "./syntax.ts";

/** states that are kept; with more it begins anew */
const mostStates = 4000;
const expression = /^\/(.+)\/([a-z]*)$/su;
const knownFlags = /^[ims]*$/;

interface State {
  /** where in the machine it may be, before what is taken next */
  readonly places: readonly number[];
  /** of the character before, one of characterKind */
  readonly before: number;
  /** by the class of the next character, the last for the end; null is where something is found */
  readonly next: (State | null | undefined)[];
}

export class Pattern {
  readonly #machine: Machine;
  /** ^ and $ are those of each line */
  readonly #isByLine: boolean;
  #states = new Map<string, State>();
  #first: State;
  // of a closure: which steps were met
  readonly #met: Uint32Array;
  #round = 0;

  /** @throws UsageError */
  constructor(readonly written: string) {
    const [, pattern, flags = ""] = expression.exec(written) ?? [];
    if (pattern !== undefined && !knownFlags.test(flags))
      throw new UsageError(`--match ${written}: of flags there are i, m and s`);
    const root =
      pattern === undefined
        ? literally(written)
        : parse(pattern, { i: flags.includes("i"), s: flags.includes("s") });
    this.#machine = new Machine(root, written);
    this.#isByLine = pattern !== undefined && flags.includes("m");
    this.#met = new Uint32Array(this.#machine.steps.length);
    this.#first = this.#state([], characterKind.none);
  }

  /** Whether it is among `length` bytes from `start` on. */
  isIn(bytes: Uint8Array, start: number, length: number): boolean {
    const machine = this.#machine;
    const end = start + length;
    let state = this.#first;
    for (let at = start; at < end; ) {
      const byte = bytes[at]!;
      let point = byte;
      let width = 1;
      if (byte > 0x7f) {
        const character = decode(bytes, at, end);
        point = character >>> 3;
        width = character & 7;
        if (point === invalid) {
          point = strayByte + byte;
          width = 1;
        }
      }
      const by = machine.classOf(point);
      const next = state.next[by];
      const to = next === undefined ? this.#step(state, by) : next;
      if (to === null) return true;
      state = to;
      at += width;
    }
    const last = state.next[machine.classes];
    return (last === undefined ? this.#step(state, machine.classes) : last) === null;
  }

  #step(state: State, by: number): State | null {
    const { steps, kinds, classes } = this.#machine;
    const after = by === classes ? characterKind.none : kinds[by]!;
    const reached = this.#reach(state, after);
    let next: State | null = null;
    if (reached !== null) {
      const places: number[] = [];
      for (const at of reached) {
        const step = steps[at]!;
        if (step.type === "take" && by < classes && step.takes[by] === 1) places.push(step.next);
      }
      next = this.#state(places, after);
    }
    state.next[by] = next;
    return next;
  }

  /** All steps that take something next; null: what is looked for ends here. */
  #reach({ places, before }: State, after: number): readonly number[] | null {
    const { steps, start } = this.#machine;
    const open = [start, ...places];
    const reached: number[] = [];
    this.#round++;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (this.#met[at] === this.#round) continue;
      this.#met[at] = this.#round;
      const step = steps[at]!;
      if (step.type === "found") return null;
      if (step.type === "take") reached.push(at);
      else if (step.type === "both") open.push(step.next, step.other);
      else if (this.#holds(step.what, before, after)) open.push(step.next);
    }
    return reached;
  }

  #holds(what: "start" | "end" | "word" | "no word", before: number, after: number): boolean {
    const { none, newline, word } = characterKind;
    if (what === "start") return before === none || (this.#isByLine && before === newline);
    if (what === "end") return after === none || (this.#isByLine && after === newline);
    return ((before === word) !== (after === word)) === (what === "word");
  }

  #state(places: readonly number[], before: number): State {
    const sorted = [...new Set(places)].sort((a, b) => a - b);
    const name = `${before}:${sorted.join()}`;
    const known = this.#states.get(name);
    if (known !== undefined) return known;
    if (this.#states.size >= mostStates) this.#states = new Map();
    const state = {
      places: sorted,
      before,
      next: new Array<undefined>(this.#machine.classes + 1).fill(undefined),
    };
    this.#states.set(name, state);
    return state;
  }
}

/** Whether any of several patterns is in contents; none: whatever they are. */
export function isInAny(
  patterns: readonly Pattern[],
  contents: { bytes: Uint8Array; start: number; length: number } | null,
): boolean {
  if (patterns.length === 0) return true;
  if (contents === null) return false;
  for (let i = 0; i < patterns.length; i++) {
    if (patterns[i]!.isIn(contents.bytes, contents.start, contents.length)) return true;
  }
  return false;
}
