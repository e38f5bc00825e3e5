/** Entries by time: CPUs reserve one after the other, but take the time before they do. */

/** All records have their time there: two words, the lower one first. */
export const timeWord = 2;

/** Which entry comes when; among equals the order is that of the ring. */
export class Order {
  #entries = new Uint32Array(8192);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /** The entry that is the `n`th by time. */
  at(n: number): number {
    return this.#entries[n]!;
  }

  /**
   * Puts an entry where its time belongs. They come nearly sorted, so that is at the end or close to it.
   * @param low of each entry's time the lower word
   * @param high and the upper one
   */
  add(entry: number, low: Uint32Array, high: Uint32Array): void {
    if (this.length === this.#entries.length) this.#grow();
    const entries = this.#entries;
    let n = this.length++;
    while (n > 0 && isLater(low, high, entries[n - 1]!, entry)) {
      entries[n] = entries[n - 1]!;
      n--;
    }
    entries[n] = entry;
  }

  #grow(): void {
    const larger = new Uint32Array(this.#entries.length * 2);
    larger.set(this.#entries);
    this.#entries = larger;
  }
}

function isLater(low: Uint32Array, high: Uint32Array, a: number, b: number): boolean {
  const difference = high[a]! - high[b]!;
  return difference !== 0 ? difference > 0 : low[a]! > low[b]!;
}
