/** `struct shared` of begin.h, which was there before Bun: build.ts says where. There is none when Bun runs src/main.ts itself. */
import { type Pointer, toArrayBuffer } from "bun:ffi";

declare const SHARED_AT: number | undefined;

const callerSize = 4 * 8;
const descriptorsSize = 2 * 8;
const memorySize = 8;
const handlersSize = 4 * 8 + 12 * 256 + 104;

const at = typeof SHARED_AT === "number" ? SHARED_AT : null;

function part(from: number, length: number): ArrayBuffer | null {
  return at === null ? null : toArrayBuffer((at + from) as Pointer, 0, length);
}

function pointed(descriptors: ArrayBuffer | null): ArrayBuffer | null {
  if (descriptors === null) return null;
  const [address, words] = new BigUint64Array(descriptors);
  return toArrayBuffer(Number(address) as Pointer, 0, Number(words) * 8);
}

/** struct caller */
export const callerPart = part(0, callerSize);
/** What `struct descriptors` points to. */
export const descriptorsPart = pointed(part(callerSize, descriptorsSize));
/** The bytes of memory that the cgroups allow. */
export const memoryPart = part(callerSize + descriptorsSize, memorySize);
/** struct handlers */
export const handlersPart = part(callerSize + descriptorsSize + memorySize, handlersSize);
