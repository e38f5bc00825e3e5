/** System V semaphores, as semctl(2) tells of one. */
import { dlopen, FFIType } from "bun:ffi";

const { i32 } = FFIType;

const { symbols: c } = dlopen("libc.so.6", {
  semctl: { args: [i32, i32, i32], returns: i32 }, // int semctl(int, int, int, ...)
});

const GETPID = 11;
const GETVAL = 12;

/** Its value, and who changed it last, 0 for nobody that has a number here; null for what is not there or not ours. */
export function semaphore(set: number, index: number): { value: number; pid: number } | null {
  const value = c.semctl(set, index, GETVAL);
  const pid = c.semctl(set, index, GETPID);
  return value < 0 || pid < 0 ? null : { value, pid };
}
