/** How long something native may be touched. Behind its end there is other memory, or none: a read would be a SIGSEGV. */

/** Something native was used after its end, which is a bug of ours. */
export class ClosedError extends Error {
  override readonly name = "ClosedError";

  /** @param what it is, as `the ring buffer` */
  constructor(what: string) {
    super(`${what} is closed already: this is a bug of ipcdump, please report it`);
  }
}

export class Life {
  #isOver = false;
  readonly #lent: ArrayBuffer[] = [];

  constructor(private readonly what: string) {}

  /** @throws ClosedError after the end */
  check(): void {
    if (this.#isOver) throw new ClosedError(this.what);
  }

  /** From the end on this memory is out of reach: views of it have no elements then, and writing throws. */
  lend(memory: ArrayBuffer): ArrayBuffer {
    this.check();
    this.#lent.push(memory);
    return memory;
  }

  /** Ends it: true the first time. */
  end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    for (const memory of this.#lent) memory.transfer(0); // the memory itself stays where it is
    return true;
  }
}
