import { dlopen, FFIType } from "bun:ffi";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { Errno, errnoName } from "../error.ts";
import { lastErrno } from "../libc.ts";

const { symbols: c } = dlopen("libc.so.6", {
  flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 }, // int flock(int, int)
});
const LOCK_EX_NB = 2 | 4;

const pauseMs = 50;
const patienceMs = 1000;

/**
 * A folder for one process at a time. The kernel gives the lock back when its process ends, in whatever way, so a
 * number of a process is never looked at. Programs that we start don't inherit it.
 */
export class Lock implements Disposable {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** The lock of a folder, or undefined while somebody else has it, this very process included. */
  static tryOf(folder: string): Lock | undefined {
    const fd = openSync(join(folder, ".lock"), "a", 0o600);
    if (c.flock(fd, LOCK_EX_NB) === 0) return new Lock(fd);
    const errno = lastErrno();
    closeSync(fd);
    if (errno !== Errno.EAGAIN) throw new Error(`cannot lock ${folder}: ${errnoName(errno)}`);
    return undefined;
  }

  /** The lock of a folder; waits for its holder, and says so when that takes a while. */
  static async of(folder: string): Promise<Lock> {
    // Asking again leaves the event loop free: a task of ours may be the one that has it.
    for (let waited = 0; ; waited += pauseMs) {
      const lock = Lock.tryOf(folder);
      if (lock !== undefined) return lock;
      if (waited === patienceMs) process.stderr.write(`waiting for another build that works in ${folder}\n`);
      await Bun.sleep(pauseMs);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
