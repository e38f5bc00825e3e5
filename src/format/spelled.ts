import { type Literal, literal, literalOf, Output } from "../bytes/output.ts";
import { type Event, type Scene, sceneOf } from "../event.ts";
import { capturedOf } from "./format.ts";

const nothing = literal("");
/** a power of two */
const slots = 1024;

interface Spelled {
  scene: Scene | null;
  /** null: it came once */
  front: Literal | null;
  behind: Literal;
}

/** Meta of the events of one scene, rendered once: before the value of `count`, and behind it. */
export class SpelledMeta {
  readonly #known: readonly Spelled[] = Array.from({ length: slots }, () => ({
    scene: null,
    front: null,
    behind: nothing,
  }));
  readonly #front = new Output(512);
  readonly #behind = new Output(256);
  readonly #render: (event: Event, front: Output, behind: Output | null) => void;

  /** @param render writes it; all in `front` without `behind` */
  constructor(render: (event: Event, front: Output, behind: Output | null) => void) {
    this.#render = render;
  }

  write(event: Event, out: Output): void {
    const scene = sceneOf(event);
    const { src, dst, contents } = event;
    if (scene === null || src.guess || dst.guess || (contents !== null && capturedOf(event) >= 0)) {
      this.#render(event, out, null);
      return;
    }
    const known = this.#known[scene.id & (slots - 1)]!;
    if (known.scene !== scene) {
      known.scene = scene;
      known.front = null;
      this.#render(event, out, null);
      return;
    }
    out.literal(known.front ?? this.#add(known, event));
    out.unsigned64(event.countLow, event.countHigh);
    out.literal(known.behind);
  }

  /** Renders it, for it came again; what stands before the value of `count`. */
  #add(known: Spelled, event: Event): Literal {
    const [front, behind] = [this.#front, this.#behind];
    front.clear();
    behind.clear();
    this.#render(event, front, behind);
    known.behind = copyOf(behind);
    known.front = copyOf(front);
    return known.front;
  }
}

function copyOf({ bytes, length }: Output): Literal {
  return literalOf(bytes.subarray(0, length));
}
