/**
 * Names of processes, as the kernel side announces them before their first use. Two generations:
 * what is not asked for while 32,768 others come is forgotten in the kernel, which then announces it
 * again, and here a generation later, for records in the ring may still rely on it.
 */
import type { BpfMap } from "../ffi/map.ts";
import { NameRecord } from "./layout.ts";

const generation = 32768;
/** tag has 30 bits and tgid 22: together they are exact in a number */
const tagSpan = 2 ** 30;

export class Names {
  #young = new Map<number, Uint8Array>();
  #old = new Map<number, Uint8Array>();
  /** forgotten in the kernel, not yet here */
  #leaving = new Map<number, Uint8Array>();
  readonly #announced: BpfMap;
  readonly #key = new Uint32Array(2);

  /** @param announced the kernel's map of what it told already */
  constructor(announced: BpfMap) {
    this.#announced = announced;
  }

  /** Keeps the name of a name_record. */
  add(record: NameRecord, bytes: Uint8Array): void {
    const start = record.at * 4 + NameRecord.comm.offset;
    let length = 0;
    while (length < NameRecord.comm.length && bytes[start + length] !== 0) length++;
    const key = record.whoTgid * tagSpan + record.whoTag;
    this.#old.delete(key);
    this.#young.set(key, bytes.slice(start, start + length));
    if (this.#young.size >= generation) this.#age();
  }

  /** The raw bytes of a process's name, null when it was never announced. */
  find(tgid: number, tag: number): Uint8Array | null {
    const key = tgid * tagSpan + tag;
    const name = this.#young.get(key);
    if (name !== undefined) return name;
    const old = this.#old.get(key);
    if (old === undefined) return this.#leaving.get(key) ?? null;
    this.#old.delete(key);
    this.#young.set(key, old);
    return old;
  }

  #age(): void {
    for (const key of this.#old.keys()) {
      this.#key[0] = Math.floor(key / tagSpan);
      this.#key[1] = key % tagSpan;
      this.#announced.delete(this.#key);
    }
    this.#leaving = this.#old;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
