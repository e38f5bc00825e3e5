import type { Meta, Scene } from "../event.ts";

/** a power of two */
const slots = 1024;
let made = 0;

interface KnownScene extends Scene {
  readonly text: object | null;
  readonly other: object | null;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** The scenes of a reader's events: what its meta says beside `count` is told apart by these values. */
export class Scenes {
  readonly #known: (KnownScene | undefined)[] = new Array<KnownScene | undefined>(slots).fill(undefined);

  /** @param meta that of the reader's events */
  constructor(private readonly meta: (out: Meta) => void) {}

  /** The same one for the same values, most of the time; two never share one. */
  of(text: object | null, other: object | null, a: number, b: number, c: number): Scene {
    // the two ways of a connection have the same numbers, the other way round
    const slot = (Math.imul(a, 31) + Math.imul(b, 17) + c) & (slots - 1);
    const known = this.#known[slot];
    const isKnown =
      known !== undefined &&
      known.a === a &&
      known.b === b &&
      known.c === c &&
      known.text === text &&
      known.other === other;
    return isKnown ? known : this.#add(slot, { id: made++, meta: this.meta, text, other, a, b, c });
  }

  #add(slot: number, scene: KnownScene): Scene {
    this.#known[slot] = scene;
    return scene;
  }
}
