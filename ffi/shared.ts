/** `struct shared` of begin.h, which was there before Bun: build.ts says where. There is none when Bun runs src/main.ts itself. */
import { type Pointer, toArrayBuffer } from "bun:ffi";

declare const SHARED_AT: number | undefined;

const callerSize = 4 * 8;
const descriptorsSize = 4096 / 8;
const handlersSize = 4 * 8 + 12 * 256;

const at = typeof SHARED_AT === "number" ? SHARED_AT : null;

function part(from: number, length: number): ArrayBuffer | null {
  return at === null ? null : toArrayBuffer((at + from) as Pointer, 0, length);
}

/** struct caller */
export const callerPart = part(0, callerSize);
/** struct descriptors */
export const descriptorsPart = part(callerSize, descriptorsSize);
/** struct handlers */
export const handlersPart = part(callerSize + descriptorsSize, handlersSize);
