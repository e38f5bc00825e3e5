/**
 * Paths of FIFOs, and of what sockets are bound to, by device and inode, as the kernel side sends them before their first
 * use. An inode's number may serve one file after the other, so each path counts from where it stood in the ring on.
 */
import { joinPath, unknownPath } from "../bytes/path.ts";
import { PathRecord } from "../layout.ts";

const generation = 65536;

interface Named {
  readonly path: Uint8Array;
  /** where it stood in the ring */
  readonly since: number;
  /** the one of the same inode before it, as long as an event may ask for that */
  before: Named | null;
}

/** By device, then by the higher and the lower word of the inode: file systems use all 64 bits of it. */
class Files {
  size = 0;
  readonly #devices = new Map<number, Map<number, Map<number, Named>>>();

  find(device: number, low: number, high: number): Named | undefined {
    return this.#devices.get(device)?.get(high)?.get(low);
  }

  add(device: number, low: number, high: number, named: Named): void {
    const inodes = made(made(this.#devices, device), high);
    if (!inodes.has(low)) this.size++;
    inodes.set(low, named);
  }
}

export class Paths {
  #young = new Files();
  /** what nobody asked for since goes with it */
  #old = new Files();

  /** @param ringSize bytes: no event is farther behind a path that stood behind it */
  constructor(private readonly ringSize: number) {}

  /** Keeps the path of a path_record at a position of the ring: its components come last first, each ended by a NUL. */
  add(record: PathRecord, bytes: Uint8Array, position: number): void {
    const start = record.at * 4 + PathRecord.data.offset;
    const length = Math.min(record.length, PathRecord.data.length);
    const path = joinPath(bytes.subarray(start, start + length), record.isCut !== 0);
    const { device, inodeLow, inodeHigh } = record;
    const before = this.#find(device, inodeLow, inodeHigh) ?? null;
    forget(before, position - this.ringSize);
    this.#keep(device, inodeLow, inodeHigh, { path, since: position, before });
  }

  /** The path that an inode had for who stood at a position of the ring. */
  find(device: number, inodeLow: number, inodeHigh: number, position: number): Uint8Array {
    let named = this.#find(device, inodeLow, inodeHigh) ?? null;
    while (named !== null && named.since > position) named = named.before;
    return named?.path ?? unknownPath;
  }

  #find(device: number, low: number, high: number): Named | undefined {
    const young = this.#young.find(device, low, high);
    if (young !== undefined) return young;
    const old = this.#old.find(device, low, high);
    if (old !== undefined) this.#keep(device, low, high, old);
    return old;
  }

  #keep(device: number, low: number, high: number, named: Named): void {
    if (this.#young.size >= generation) {
      this.#old = this.#young;
      this.#young = new Files();
    }
    this.#young.add(device, low, high, named);
  }
}

/** Cuts off what was outlived before a position. */
function forget(newest: Named | null, position: number): void {
  let named = newest;
  while (named !== null && named.since > position) named = named.before;
  if (named !== null) named.before = null;
}

function made<Value>(maps: Map<number, Map<number, Value>>, key: number): Map<number, Value> {
  let map = maps.get(key);
  if (map === undefined) {
    map = new Map();
    maps.set(key, map);
  }
  return map;
}
