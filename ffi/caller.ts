/** What ipcdump was given by whoever called it, as far as Bun changes it for itself: see caller.h. */
import { callerPart, descriptorsPart, memoryPart } from "./shared.ts";

const standard = 3;

/** For cmd, which shall have it as it was. @throws Error when Bun runs src/main.ts */
export function callerBytes(): Uint8Array {
  if (callerPart === null) throw new Error("only the executable can start a command");
  return new Uint8Array(callerPart);
}

/** Whether one of the lower signals was ignored: as nohup has SIGHUP. */
export function wasIgnored(signal: number): boolean {
  return callerPart !== null && has(callerPart, signal - 1);
}

/** Whether a standard descriptor was closed; Bun opens /dev/null in its place. */
export function wasClosed(fd: number): boolean {
  return descriptorsPart !== null && !has(descriptorsPart, fd);
}

/** The descriptors there were beside the standard ones: Bun has nobody inherit them. */
export function inherited(): number[] {
  const found: number[] = [];
  if (descriptorsPart === null) return found;
  for (const [word, bits] of new Uint32Array(descriptorsPart).entries()) {
    for (let left = bits; left !== 0; left &= left - 1) {
      const fd = word * 32 + 31 - Math.clz32(left & -left);
      if (fd >= standard) found.push(fd);
    }
  }
  return found;
}

/** Bytes of memory that its cgroups allow it, together with whoever else is in them; more than 2^63 is no limit. */
export function memoryLimit(): number {
  return memoryPart === null ? Number.POSITIVE_INFINITY : Number(new BigUint64Array(memoryPart)[0]);
}

function has(bits: ArrayBuffer, index: number): boolean {
  return (new Uint8Array(bits)[index >> 3]! & (1 << (index & 7))) !== 0;
}
