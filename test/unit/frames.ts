/**
 * How much stack BPF programs need, as kernels count it before they take one: the frames of the functions in a chain of
 * calls, whether or not they are ever made, each as deep as the instructions have it that can be reached, in steps of 32
 * bytes. What can be reached is up to the configuration, which the kernel knows by then, and to what the kernel has.
 */
import { type Code, functionsOf, type Instruction } from "./instructions.ts";

const step = 32;
const frameRegister = 10;
const opcode = { add: 0, or: 4, and: 5, left: 6, right: 7, mov: 11 } as const;
const jump = { always: 0, call: 8, exit: 9 } as const;

/** What a register has, as far as that is known: a number of 32 bits, an address in the frame or in the configuration. */
type Value = number | { of: "frame" | "config"; at: number } | undefined;

export interface Chain {
  bytes: number;
  frames: number;
  /** the functions of the deepest stack, with their frames */
  deepest: string[];
}

export class Frames {
  readonly #functions: Map<string, Code>;
  readonly #chains = new Map<string, Chain>();

  /** @param config words of struct config */
  constructor(
    object: Uint8Array,
    readonly config: Uint32Array,
  ) {
    this.#functions = functionsOf(object);
  }

  get programs(): string[] {
    return [...this.#functions].filter(([, { isProgram }]) => isProgram).map(([name]) => name);
  }

  /** The longest chains of calls that begin with a function: the one of most bytes, and the number of frames in any. */
  chain(name: string): Chain {
    const known = this.#chains.get(name);
    if (known !== undefined) return known;
    const { instructions } = this.#functions.get(name)!;
    const depth = this.#depth(instructions);
    const chain: Chain = { bytes: 0, frames: 0, deepest: [] };
    for (const { callee } of instructions) {
      if (callee === null) continue;
      const { bytes, frames, deepest } = this.chain(callee);
      chain.frames = Math.max(chain.frames, frames);
      if (bytes > chain.bytes) Object.assign(chain, { bytes, deepest });
    }
    chain.bytes += Math.ceil(Math.max(depth, 1) / step) * step;
    chain.frames++;
    chain.deepest = [`${name} ${depth}`, ...chain.deepest];
    this.#chains.set(name, chain);
    return chain;
  }

  /** How far down the frame instructions go that can be reached. */
  #depth(instructions: readonly Instruction[]): number {
    const states = new Map<number, Value[]>();
    const left: number[] = [];
    let depth = 0;
    const reach = (i: number, state: readonly Value[]) => {
      const before = states.get(i);
      const merged = state.map((value, n) =>
        before === undefined || equal(value, before[n]) ? value : undefined,
      );
      if (before?.every((value, n) => equal(value, merged[n]))) return;
      states.set(i, merged);
      left.push(i);
    };
    const first: Value[] = Array.from({ length: frameRegister + 1 });
    first[frameRegister] = { of: "frame", at: 0 };
    reach(0, first);
    for (let i = left.pop(); i !== undefined; i = left.pop()) {
      const instruction = instructions[i]!;
      const { code, to, from, offset, immediate } = instruction;
      const state = [...states.get(i)!];
      const kind = code & 7;
      const touches = (value: Value) => {
        if (typeof value === "object" && value.of === "frame") depth = Math.max(depth, -value.at - offset);
      };
      if (kind === 5 || kind === 6) {
        const what = code >> 4;
        if (code === (jump.exit << 4) + 5) continue;
        if (code === (jump.call << 4) + 5) state.fill(undefined, 0, 6);
        const other = (code & 8) !== 0 ? state[from] : number(immediate);
        const taken =
          what === jump.always ? true : what === jump.call ? false : decide(what, state[to], other);
        if (taken !== false) reach(i + 1 + offset, state);
        if (taken !== true) reach(i + 1, state);
        continue;
      }
      if (kind === 4 || kind === 7) {
        state[to] = this.#computed(instruction, state);
        const value = state[to];
        if (typeof value === "object" && value.of === "frame") depth = Math.max(depth, -value.at);
      } else if (kind === 0) {
        state[to] = instruction.symbol === "config" ? { of: "config", at: immediate } : undefined;
        reach(i + 2, state);
        continue;
      } else if (kind === 1) {
        const value = state[from];
        touches(value);
        const isKnown = typeof value === "object" && value.of === "config";
        state[to] = isKnown ? this.config[(value.at + offset) / 4] : undefined;
      } else {
        touches(state[to]);
      }
      reach(i + 1, state);
    }
    return depth;
  }

  #computed({ code, to, from, immediate, asks }: Instruction, state: readonly Value[]): Value {
    const what = code >> 4;
    const before = state[to];
    const other = asks !== null ? answer(asks) : (code & 8) !== 0 ? state[from] : number(immediate);
    if (what === opcode.mov) return other;
    if (typeof before === "object") {
      const isStep = what === opcode.add && (code & 8) === 0 && (code & 7) === 7;
      return isStep ? { of: before.of, at: before.at + immediate } : undefined;
    }
    if (what === opcode.and && other === 0) return 0;
    if (typeof before !== "number" || typeof other !== "number") return undefined;
    if (what === opcode.and) return (before & other) >>> 0;
    if (what === opcode.or) return (before | other) >>> 0;
    if (what === opcode.right) return other < 32 ? before >>> other : undefined;
    if (what === opcode.left) return number(before * 2 ** other);
    return what === opcode.add ? number(before + other) : undefined;
  }
}

function number(value: number): Value {
  return value >= 0 && value < 2 ** 32 ? value : undefined;
}

/** What the kernel has is not known, but for iterators (repeat.h, read.h), which the oldest ones lack. */
function answer(asks: string): Value {
  return asks.startsWith("bpf_iter_") ? 0 : undefined;
}

function equal(a: Value, b: Value): boolean {
  return typeof a === "object" && typeof b === "object" ? a.of === b.of && a.at === b.at : a === b;
}

/** Whether a jump is taken; undefined: who knows. */
function decide(what: number, a: Value, b: Value): boolean | undefined {
  if (typeof a === "object" && b === 0) return what === 5 ? true : what === 1 ? false : undefined;
  if (typeof a !== "number" || typeof b !== "number") return undefined;
  const taken: Record<number, boolean> = {
    ...{ 1: a === b, 2: a > b, 3: a >= b, 4: (a & b) !== 0, 5: a !== b, 10: a < b, 11: a <= b },
  };
  return taken[what];
}
