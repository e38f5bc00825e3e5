import type { Said } from "./message.ts";
import type { Dialogue, Side, Voice } from "./protocol.ts";
import type { Stream } from "./stream.ts";

/**
 * The dialogue of a protocol whose messages say how long they are. What one is is known from its beginning, and said
 * when all of it was taken; what can't be one is passed over until something can.
 */
export abstract class FramedDialogue implements Dialogue {
  protected readonly isLost: [boolean, boolean] = [false, false];
  /** of messages whose end has not come yet; "none": one that is not told of by itself */
  readonly #said: [Said | "none" | null, Said | "none" | null] = [null, null];

  constructor(
    protected readonly voice: Voice,
    protected readonly asks: Side,
  ) {}

  lost(side: Side): void {
    this.isLost[side] = true;
    this.#said[side] = null;
  }

  step(stream: Stream, side: Side): boolean {
    const said = this.#said[side];
    if (said === null) return this.read(stream, side);
    this.#said[side] = null;
    if (said !== "none") this.voice.say(side, said);
    return true;
  }

  /** Reads the beginning of a message; false: it needs more than there is. */
  protected abstract read(stream: Stream, side: Side): boolean;

  /** The message is `said`, and to be told when the rest of its `length` bytes came. */
  protected take(stream: Stream, side: Side, length: number, said: Said | "none"): true {
    stream.skip(length);
    this.#said[side] = said;
    return true;
  }

  /** No message begins here: one byte is passed over. */
  protected pass(stream: Stream, side: Side): true {
    stream.take(1);
    this.lost(side);
    return true;
  }

  /** A message begins here; what was passed over before it is told. */
  protected found(stream: Stream, side: Side): void {
    if (!this.isLost[side]) return;
    if (stream.count > 0) this.voice.say(side, { kind: "undecoded" });
    this.isLost[side] = false;
  }
}
