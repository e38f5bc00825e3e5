/** Paths of FIFOs by device and inode, as the kernel side sends them before their first use. */
import { PathRecord } from "../layout.ts";

const generation = 65536;
const slash = 0x2f;
const root = Uint8Array.of(slash);
const unnamed = new TextEncoder().encode("<unknown>");
/** what a path begins with whose beginning is missing */
const ellipsis = new TextEncoder().encode("…");

/** By device, then by the higher and the lower word of the inode: file systems use all 64 bits of it. */
class Files {
  size = 0;
  readonly #devices = new Map<number, Map<number, Map<number, Uint8Array>>>();

  find(device: number, low: number, high: number): Uint8Array | undefined {
    return this.#devices.get(device)?.get(high)?.get(low);
  }

  add(device: number, low: number, high: number, path: Uint8Array): void {
    const inodes = made(made(this.#devices, device), high);
    if (!inodes.has(low)) this.size++;
    inodes.set(low, path);
  }
}

export class Paths {
  #young = new Files();
  /** what nobody asked for since goes with it */
  #old = new Files();

  /** Keeps the path of a path_record: its components come last first, each ended by a NUL. */
  add(record: PathRecord, bytes: Uint8Array): void {
    const start = record.at * 4 + PathRecord.data.offset;
    const length = Math.min(record.length, PathRecord.data.length);
    const path = join(bytes.subarray(start, start + length), record.isCut !== 0);
    this.#keep(record.device, record.inodeLow, record.inodeHigh, path);
  }

  find(device: number, inodeLow: number, inodeHigh: number): Uint8Array {
    const young = this.#young.find(device, inodeLow, inodeHigh);
    if (young !== undefined) return young;
    const old = this.#old.find(device, inodeLow, inodeHigh);
    if (old !== undefined) this.#keep(device, inodeLow, inodeHigh, old);
    return old ?? unnamed;
  }

  #keep(device: number, low: number, high: number, path: Uint8Array): void {
    if (this.#young.size >= generation) {
      this.#old = this.#young;
      this.#young = new Files();
    }
    this.#young.add(device, low, high, path);
  }
}

function made<Value>(maps: Map<number, Map<number, Value>>, key: number): Map<number, Value> {
  let map = maps.get(key);
  if (map === undefined) {
    map = new Map();
    maps.set(key, map);
  }
  return map;
}

/** "c\0b\0a\0" → "/a/b/c", or "…/a/b/c"; what no NUL ends is left out */
function join(components: Uint8Array, isCut: boolean): Uint8Array {
  if (components.length === 0) return isCut ? unnamed : root;
  const path = new Uint8Array(components.length + ellipsis.length);
  let at = path.length;
  for (let start = 0; start < components.length; ) {
    const end = components.indexOf(0, start);
    if (end < 0) break;
    at -= end - start + 1;
    path[at] = slash;
    path.set(components.subarray(start, end), at + 1);
    start = end + 1;
  }
  if (isCut) {
    at -= ellipsis.length;
    path.set(ellipsis, at);
  }
  return path.subarray(at);
}
