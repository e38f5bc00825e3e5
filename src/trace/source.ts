/** The file of -r, read piece by piece; a pipe may keep its reader waiting. */
import { closeSync, openSync, readSync } from "node:fs";
import { wasClosed } from "../../ffi/caller.ts";
import { describe, Errno, errnoName } from "../../ffi/error.ts";
import { POLLIN, poll } from "../../ffi/libc.ts";
import { printable } from "../bytes/escape.ts";
import { Failure } from "../failure.ts";

const stdin = 0;

export class Source implements Disposable {
  readonly #fd: number;

  /** @param path "-" is stdin. @throws Failure */
  static open(path: string): Source {
    if (path === "-" && wasClosed(stdin)) throw new Failure("stdin is closed; name a file: -r FILE");
    return new Source(path, path === "-" ? "stdin" : printable(path));
  }

  private constructor(
    path: string,
    readonly name: string,
  ) {
    this.#fd = path === "-" ? stdin : this.#attempt(() => openSync(path, "r"));
  }

  /**
   * How many bytes came, 0 at the end; null when none did within so many milliseconds, or a signal did. @throws Failure
   */
  read(into: Uint8Array, milliseconds: number): number | null {
    if (poll(this.#fd, POLLIN, milliseconds) <= 0) return null;
    return this.#attempt(() => {
      try {
        return readSync(this.#fd, into);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === errnoName(Errno.EAGAIN) || code === errnoName(Errno.EINTR)) return null;
        throw error;
      }
    });
  }

  #attempt<Result>(act: () => Result): Result {
    try {
      return act();
    } catch (error) {
      const { errno, message } = error as NodeJS.ErrnoException;
      throw new Failure(`cannot read ${this.name}: ${errno === undefined ? message : describe(errno)}`);
    }
  }

  [Symbol.dispose](): void {
    if (this.#fd !== stdin) closeSync(this.#fd);
  }
}
