import { type Pointer, toArrayBuffer } from "bun:ffi";
import { Errno, NativeError } from "./error.ts";
import type { Libbpf } from "./libbpf.ts";
import type { Life } from "./life.ts";

/** A BPF map of a loaded object, for as long as that is open. Keys and values are plain arrays of their exact size. */
export class BpfMap {
  readonly #libbpf: Libbpf;
  readonly #pointer: Pointer;
  readonly #life: Life;

  constructor(
    libbpf: Libbpf,
    map: Pointer,
    readonly name: string,
    life: Life,
  ) {
    this.#libbpf = libbpf;
    this.#pointer = map;
    this.#life = life;
  }

  get #map(): Pointer {
    this.#life.check();
    return this.#pointer;
  }

  get fd(): number {
    return this.#libbpf.bpf_map__fd(this.#map);
  }

  /** Bytes of a ring buffer, entries of any other map; to be set before load. */
  set maxEntries(entries: number) {
    const result = this.#libbpf.bpf_map__set_max_entries(this.#map, entries);
    if (result < 0) throw new NativeError("size", `map ${this.name}`, result);
  }

  /** As above. */
  get maxEntries(): number {
    return this.#libbpf.bpf_map__max_entries(this.#map);
  }

  /**
   * The words of a global data section. Before load the programs will see them. After it those of a .bss section
   * are live, and those of .rodata must not be touched any more.
   */
  words(bytes: number): Uint32Array {
    const address = this.#libbpf.bpf_map__initial_value(this.#map, new BigUint64Array(1));
    if (address === null) throw new NativeError("map", this.name, Errno.ENOENT);
    return new Uint32Array(this.#life.lend(toArrayBuffer(address, 0, bytes)));
  }

  /** Makes or replaces an entry; false when there is no room. @throws NativeError */
  update(key: Uint32Array, value: Uint32Array): boolean {
    const result = this.#libbpf.bpf_map_update_elem(this.fd, key, value, 0);
    if (result < 0 && result !== -Errno.E2BIG) throw new NativeError("write", `map ${this.name}`, result);
    return result === 0;
  }

  /** Removes an entry; one that is gone already is no error. */
  delete(key: Uint32Array): void {
    this.#libbpf.bpf_map_delete_elem(this.fd, key);
  }

  /** Copies an entry's value; false when there is none. */
  lookup(key: Uint32Array, value: Uint32Array): boolean {
    return this.#libbpf.bpf_map_lookup_elem(this.fd, key, value) === 0;
  }

  /** Whether the kernel lets this thread look into it. */
  isReadable(): boolean {
    return this.#libbpf.bpf_map_get_next_key(this.fd, null, new Uint32Array(64)) !== -Errno.EPERM;
  }

  /** All keys, each a copy; entries that come or go meanwhile may or may not be among them. */
  *keys(words: number): Generator<Uint32Array> {
    let key = new Uint32Array(words);
    let result = this.#libbpf.bpf_map_get_next_key(this.fd, null, key);
    while (result === 0) {
      yield key;
      const next = new Uint32Array(words);
      result = this.#libbpf.bpf_map_get_next_key(this.fd, key, next);
      key = next;
    }
  }
}
