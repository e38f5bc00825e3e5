import { type Literal, literalOf, Output } from "../bytes/output.ts";
import type { End, Event, Kind } from "../event.ts";

/** a power of two */
const slots = 1024;

interface Pair {
  readonly kind: Kind;
  readonly srcPid: number;
  readonly srcComm: End["comm"];
  readonly dstPid: number;
  readonly dstComm: End["comm"];
  readonly text: Literal;
}

/** The part of a line about kind and ends, rendered once for each pair. Few pairs make most events. */
export class Pairs {
  readonly #pairs: (Pair | undefined)[] = new Array<Pair | undefined>(slots).fill(undefined);
  readonly #scratch = new Output(256);
  readonly #render: (event: Event, out: Output) => void;

  /** @param render writes it, from nothing of the event but its kind and the pid and comm of its ends */
  constructor(render: (event: Event, out: Output) => void) {
    this.#render = render;
  }

  /** Writes it. */
  write(event: Event, out: Output): void {
    const { src, dst } = event;
    const slot = (src.pid * 31 + dst.pid) & (slots - 1);
    const pair = this.#pairs[slot];
    // names are never changed, so the same array is the same name
    const isKnown =
      pair !== undefined &&
      pair.srcPid === src.pid &&
      pair.dstPid === dst.pid &&
      pair.srcComm === src.comm &&
      pair.dstComm === dst.comm &&
      pair.kind === event.kind;
    out.literal(isKnown ? pair.text : this.#add(slot, event));
  }

  #add(slot: number, event: Event): Literal {
    const { kind, src, dst } = event;
    const scratch = this.#scratch;
    scratch.clear();
    this.#render(event, scratch);
    const text = literalOf(scratch.bytes.subarray(0, scratch.length));
    this.#pairs[slot] = {
      kind,
      srcPid: src.pid,
      srcComm: src.comm,
      dstPid: dst.pid,
      dstComm: dst.comm,
      text,
    };
    return text;
  }
}
