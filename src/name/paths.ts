/** Paths of FIFOs by device and inode, as the kernel side sends them before their first use. */
import { whole } from "../../ffi/halves.ts";
import { PathRecord } from "../layout.ts";

const limit = 65536;
const slash = 0x2f;
const root = Uint8Array.of(slash);
const unnamed = new TextEncoder().encode("<unknown>");

export class Paths {
  #paths = new Map<number, Map<number, Uint8Array>>();
  #count = 0;

  /** Keeps the path of a path_record: its components come last first, each ended by a NUL. */
  add(record: PathRecord, bytes: Uint8Array): void {
    const start = record.at * 4 + PathRecord.data.offset;
    const length = Math.min(record.length, PathRecord.data.length);
    if (++this.#count > limit) {
      this.#paths.clear();
      this.#count = 1;
    }
    let files = this.#paths.get(record.device);
    if (files === undefined) {
      files = new Map();
      this.#paths.set(record.device, files);
    }
    files.set(inodeKey(record.inodeLow, record.inodeHigh), join(bytes.subarray(start, start + length)));
  }

  find(device: number, inodeLow: number, inodeHigh: number): Uint8Array {
    return this.#paths.get(device)?.get(inodeKey(inodeLow, inodeHigh)) ?? unnamed;
  }
}

function inodeKey(low: number, high: number): number {
  return whole(low, high);
}

/** "c\0b\0a\0" → "/a/b/c"; what no NUL ends is left out */
function join(components: Uint8Array): Uint8Array {
  if (components.length === 0) return root;
  const path = new Uint8Array(components.length);
  let at = components.length;
  for (let start = 0; start < components.length; ) {
    const end = components.indexOf(0, start);
    if (end < 0) break;
    at -= end - start + 1;
    path[at] = slash;
    path.set(components.subarray(start, end), at + 1);
    start = end + 1;
  }
  return path.subarray(at);
}
