/** Names that are patterns as the kernel side matches them, all at once: see bpf/globs.h. */
import type { BpfObject } from "../../ffi/object.ts";
import { Config, Globs } from "../layout.ts";
import type { Glob } from "./glob.ts";

/** states of the automaton: the bits of a word */
const room = 64;
const bytes = 256;
const wordSize = Uint32Array.BYTES_PER_ELEMENT;

export class Automaton {
  readonly #takers = new BigUint64Array(bytes);
  readonly #accepts = new BigUint64Array(Config.globAccepts.length);
  #first = 0n;
  #loops = 0n;
  #used = 0;
  #flags = 0;

  /** Adds a pattern of a group, which is one bit of enum group. */
  add(group: number, glob: Glob): void {
    const { elements } = glob;
    const single = elements.filter(({ isMany }) => !isMany);
    this.#flags |= Globs.GLOBS_THERE;
    if (this.#used + single.length + 1 > room) {
      this.#flags |= Globs.GLOBS_MORE;
      return;
    }
    if (single.some(({ isWide }) => isWide)) this.#flags |= Globs.GLOBS_WIDE;
    let state = 1n << BigInt(this.#used);
    this.#first |= state;
    for (const { isMany, takes } of elements) {
      if (isMany) {
        this.#loops |= state;
        continue;
      }
      for (let byte = 0; byte < bytes; byte++) if (takes(byte)) this.#takers[byte]! |= state;
      state <<= 1n;
    }
    this.#accepts[Math.log2(group)]! |= state;
    this.#used += single.length + 1;
  }

  /** Before load: hands over the states. */
  configure(config: Config): void {
    const { offset } = Config.globAccepts;
    config.globs = this.#flags;
    [config.globFirstLow, config.globFirstHigh] = halves(this.#first);
    [config.globLoopsLow, config.globLoopsHigh] = halves(this.#loops);
    config.words.set(new Uint32Array(this.#accepts.buffer), config.at + offset / wordSize);
  }

  /** After load: fills the map. @throws NativeError */
  fill(object: BpfObject): void {
    if (this.#flags === 0) return;
    const map = object.map("comm_globs");
    for (const [byte, states] of this.#takers.entries()) {
      if (states !== 0n) map.update(Uint32Array.of(byte), Uint32Array.from(halves(states)));
    }
  }
}

function halves(word: bigint): [low: number, high: number] {
  return [Number(word & 0xffff_ffffn), Number(word >> 32n)];
}
