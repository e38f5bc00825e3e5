import { poll } from "../../ffi/libc.ts";

/**
 * In which Bun's event loop has its turn once, in milliseconds: to go there at every drain is a tenth of what an event
 * costs. Signals' handlers run there.
 */
const turnInterval = 40;

/** Sleep between drains while data flows: in the kernel, and in Bun's event loop now and then. */
export class Sleep {
  #turnDue = 0;

  async for(milliseconds: number): Promise<void> {
    const isTurn = milliseconds === 0 || performance.now() >= this.#turnDue;
    // a signal ends it
    if (!isTurn && poll(-1, 0, milliseconds) === 0) return;
    await Bun.sleep(isTurn ? milliseconds : 0);
    this.#turnDue = performance.now() + turnInterval;
  }
}
