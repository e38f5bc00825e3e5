/**
 * What was told lately, by number: two generations, so that what is asked for stays and what is not goes by itself.
 */
export class Remembered<Value> {
  #young = new Map<number, Value>();
  #old = new Map<number, Value>();

  /** @param generation how many are kept at least */
  constructor(private readonly generation: number) {}

  get(key: number): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: number, value: Value): void {
    if (this.#young.size >= this.generation && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: number): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
