/**
 * The only place that writes stdout or the file of -o: write(2) through FFI, because Bun's own
 * writers set O_NONBLOCK for everyone who shares stdout, hang on EPIPE and lose the tail.
 */
import { fstatSync, readFileSync, type Stats } from "node:fs";
import { wasClosed } from "../ffi/caller.ts";
import { describe, Errno, remedyAgainst } from "../ffi/error.ts";
import { close, F_GETFL, fcntl, ftruncate, hasError, O, open, POLLOUT, poll, write } from "../ffi/libc.ts";
import { printable } from "./bytes/escape.ts";
import { Output } from "./bytes/output.ts";
import { Failure } from "./failure.ts";
import { OutFile } from "./outfile.ts";

const stdout = 1;
const newline = 0x0a;
/** PIPE_BUF: a pipe that polls writable takes this much without blocking. */
const neverBlocks = 4096;

/**
 * done: everything is with the kernel; blocked: the reader has to catch up (or to come) first, try
 * again; gone: nobody will read any more, which is a quiet end.
 */
export type Flushed = "done" | "blocked" | "gone";

/**
 * direct: a file never blocks for long and is given everything at once.
 * private: a description of our own with O_NONBLOCK (pipes, FIFOs, devices), EAGAIN says wait.
 * polled: neither can be had (sockets, no /proc): poll, then at most PIPE_BUF bytes.
 */
type Manner = "direct" | "private" | "polled";

export class Sink implements Disposable {
  /** Formats append here; `flush` takes it away from the front. */
  readonly output = new Output();
  readonly #fd: number;
  readonly #name: string;
  readonly #manner: Manner;
  readonly #regular: boolean;
  readonly #device: boolean;
  /** of -o; one that this sink made goes again when tracing never starts */
  readonly #file: OutFile | null;
  readonly #truncates: boolean;
  /** a FIFO that no one has opened for reading yet: its emptiness is no end */
  #awaited: boolean;
  #stopping = false;
  #started = false;
  #sent = 0;
  /** bytes of a line of which the beginning is written, in pieces of before */
  #begun = 0;

  private constructor({ fd, name, manner, stats, file }: Destination) {
    this.#fd = fd;
    this.#name = name;
    this.#manner = manner;
    this.#regular = stats.isFile();
    this.#device = stats.isCharacterDevice();
    this.#file = file;
    this.#truncates = file !== null && this.#regular;
    this.#awaited = file?.isAwaited ?? false;
  }

  /**
   * Opens the file of -o, or stdout for null, so that errors show before tracing starts. Nothing is
   * changed but that a missing file is created with mode 0600. A FIFO without a reader is opened
   * all the same: `flush` says blocked until one comes, and Ctrl-C keeps working.
   * @throws Failure
   */
  static open(path: string | null): Sink {
    return new Sink(path === null ? openStdout() : openFile(path));
  }

  /** Tracing is on: an existing file loses its old contents now. @throws Failure */
  start(): void {
    this.#started = true;
    if (!this.#truncates) return;
    const result = ftruncate(this.#fd, 0);
    if (result < 0) throw new Failure(`cannot truncate ${printable(this.#name)}: ${describe(result)}`);
  }

  /**
   * Writes what the reader takes, waiting at most once for `milliseconds`. A signal ends the wait;
   * its handler runs when the caller goes back to the event loop.
   * @throws Failure when the device is full or broken; what is written then ends with a whole line
   */
  flush(milliseconds = 0): Flushed {
    const { output } = this;
    let wait = milliseconds;
    while (this.#sent < output.length || this.#next()) {
      if (this.#manner === "polled") {
        const ready = poll(this.#fd, POLLOUT, wait);
        wait = 0;
        if (ready === 0 || ready === -Errno.EINTR) return "blocked";
      }
      const left = output.length - this.#sent;
      const written = write(
        this.#fd,
        output.bytes,
        this.#sent,
        this.#manner === "polled" ? Math.min(left, neverBlocks) : left,
      );
      if (written >= 0) {
        this.#sent += written;
        this.#awaited = false;
      } else if (written === -Errno.EAGAIN) {
        if (wait === 0 || poll(this.#fd, POLLOUT, wait) <= 0) return "blocked";
        wait = 0;
      } else if (written === -Errno.EINTR) {
        return "blocked";
      } else if (written === -Errno.EPIPE && this.#awaited && !this.#stopping) {
        poll(-1, 0, wait); // poll would say POLLERR at once; no descriptor just waits
        return "blocked";
      } else if (this.#isEnd(written)) {
        return "gone";
      } else {
        throw this.#failure(written);
      }
    }
    return "done";
  }

  /** All of this piece is written: goes on to the next one, if there is one. */
  #next(): boolean {
    const { output } = this;
    this.#begun = this.#partial();
    output.clear();
    this.#sent = 0;
    return output.more();
  }

  /** Bytes behind the last whole line that were written. */
  #partial(): number {
    const end = this.output.bytes.subarray(0, this.#sent).lastIndexOf(newline) + 1;
    return end === 0 ? this.#begun + this.#sent : this.#sent - end;
  }

  /** Whether the reader has left, for times when there is nothing to write. */
  readerGone(): boolean {
    if (this.#manner === "direct" || (this.#awaited && !this.#stopping)) return false;
    return hasError(this.#fd);
  }

  /** The end is near: a FIFO whose reader never came is not waited for any longer. */
  stop(): void {
    this.#stopping = true;
  }

  /** Closes; what was not flushed is dropped. */
  [Symbol.dispose](): void {
    if (this.#file?.isNew && !this.#started) this.#file.remove();
    if (this.#file !== null) this.#file[Symbol.dispose]();
    else if (this.#fd !== stdout) close(this.#fd);
  }

  /** EIO is what a terminal that was hung up says. */
  #isEnd(result: number): boolean {
    return result === -Errno.EPIPE || result === -Errno.ECONNRESET || (result === -Errno.EIO && this.#device);
  }

  #failure(result: number): Failure {
    const cut = this.#regular && this.#cutPartialLine();
    const isFull = result === -Errno.ENOSPC || result === -Errno.EDQUOT;
    const found = isFull ? "make room or write elsewhere with -o" : remedyAgainst(result);
    const remedy = found === null ? "" : `; ${found}`;
    const kept = cut ? "\nWhat was written before is complete lines." : "";
    return new Failure(`cannot write to ${printable(this.#name)}: ${describe(result)}${remedy}${kept}`);
  }

  /** Takes back the beginning of a line that the device had no room for, when nobody wrote behind it. */
  #cutPartialLine(): boolean {
    const partial = this.#partial();
    if (partial === 0) return true;
    const { size } = fstatSync(this.#fd);
    return offset(this.#fd) === size && ftruncate(this.#fd, size - partial) === 0;
  }
}

interface Destination {
  fd: number;
  name: string;
  manner: Manner;
  stats: Stats;
  file: OutFile | null;
}

function openFile(path: string): Destination {
  const file = OutFile.open(path);
  const { fd, stats } = file;
  const manner = stats.isFIFO() || stats.isCharacterDevice() ? "private" : "direct";
  return { fd, name: path, manner, stats, file };
}

function openStdout(): Destination {
  const name = "stdout";
  if (wasClosed(stdout)) throw new Failure("stdout is closed; write to a file with -o FILE");
  if ((fcntl(stdout, F_GETFL) & O.ACCMODE) === O.RDONLY)
    throw new Failure("stdout is open for reading only; write to a file with -o FILE");
  const stats = fstatSync(stdout);
  if (stats.isFile()) return { fd: stdout, name, manner: "direct", stats, file: null };
  if (stats.isFIFO() || stats.isCharacterDevice()) {
    // Opened anew it has its own O_NONBLOCK; a child that inherits stdout must not see EAGAIN.
    const fd = open("/proc/self/fd/1", O.WRONLY | O.NOCTTY | O.NONBLOCK);
    if (fd >= 0) return { fd, name, manner: "private", stats, file: null };
  }
  return { fd: stdout, name, manner: "polled", stats, file: null };
}

/** Where the next write(2) goes; -1 when /proc is missing. */
function offset(fd: number): number {
  try {
    return Number(/^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? -1);
  } catch {
    return -1;
  }
}
