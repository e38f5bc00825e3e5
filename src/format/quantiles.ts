/** Times by how long they are: exact while they are few, then within a hundredth. */
const few = 512;
/** buckets of every doubling */
const parts = 64;

export class Quantiles {
  #values: number[] | null = [];
  readonly #buckets = new Map<number, number>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Takes in all that another one has. */
  merge(other: Quantiles): void {
    if (other.#values !== null) {
      for (const value of other.#values) this.add(value);
      return;
    }
    if (this.#values !== null) for (const one of this.#values) this.#put(one);
    this.#values = null;
    this.#count += other.#count;
    for (const [bucket, count] of other.#buckets)
      this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + count);
  }

  /** @param value nanoseconds */
  add(value: number): void {
    this.#count++;
    if (this.#values === null) {
      this.#put(value);
    } else if (this.#values.push(value) > few) {
      for (const one of this.#values) this.#put(one);
      this.#values = null;
    }
  }

  /** The value that the part `part` of all does not exceed; -1 when there are none. */
  at(part: number): number {
    if (this.#count === 0) return -1;
    let rank = Math.max(1, Math.ceil(part * this.#count));
    if (this.#values !== null) return this.#values.toSorted((a, b) => a - b)[rank - 1]!;
    let last = 0;
    for (const [bucket, count] of [...this.#buckets].sort(([a], [b]) => a - b)) {
      last = bucket;
      rank -= count;
      if (rank <= 0) break;
    }
    return Math.round(2 ** ((last + 0.5) / parts) - 1);
  }

  #put(value: number): void {
    const bucket = Math.floor(Math.log2(value + 1) * parts);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
  }
}
