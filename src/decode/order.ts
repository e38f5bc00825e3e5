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
   * @param at index of each entry's first word in `words`
   */
  add(entry: number, at: Int32Array, words: Uint32Array): void {
    if (this.length === this.#entries.length) this.#grow();
    const entries = this.#entries;
    let n = this.length++;
    while (n > 0 && isLater(words, at[entries[n - 1]!]!, at[entry]!)) {
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

function isLater(words: Uint32Array, a: number, b: number): boolean {
  const high = words[a + timeWord + 1]! - words[b + timeWord + 1]!;
  return high !== 0 ? high > 0 : words[a + timeWord]! > words[b + timeWord]!;
}
