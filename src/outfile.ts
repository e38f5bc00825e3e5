/**
 * The file of -o. It is opened with the caller's own rights only, and never where another user laid it out for him.
 */
import { fstatSync, type Stats } from "node:fs";
import { asCaller } from "../ffi/capabilities.ts";
import { describe, Errno, NativeError } from "../ffi/error.ts";
import { close, hasError, O } from "../ffi/libc.ts";
import { Foreign, Place } from "../ffi/place.ts";
import { printable } from "./bytes/escape.ts";
import { Failure } from "./failure.ts";

const ownerOnly = 0o600;
const flags = O.WRONLY | O.NOCTTY | O.NONBLOCK;

export class OutFile implements Disposable {
  readonly stats: Stats;
  /** a FIFO that nobody has opened for reading yet */
  readonly isAwaited: boolean;

  /** @throws Failure */
  static open(path: string): OutFile {
    try {
      return asCaller(() => {
        const place = Place.find(path);
        try {
          return OutFile.#at(place);
        } catch (error) {
          place[Symbol.dispose]();
          throw error;
        }
      });
    } catch (error) {
      throw new Failure(`cannot write to ${printable(path)}: ${reason(error)}`);
    }
  }

  static #at(place: Place): OutFile {
    let isNew = false;
    let fd = place.open(flags);
    if (fd === -Errno.ENXIO) fd = openUnread(place);
    if (fd === -Errno.ENOENT) {
      fd = place.open(flags | O.CREAT | O.EXCL, ownerOnly);
      isNew = fd >= 0;
      if (fd === -Errno.EEXIST) fd = place.open(flags);
    }
    if (fd < 0) throw new NativeError("open", "", fd);
    return new OutFile(place, fd, isNew);
  }

  private constructor(
    private readonly place: Place,
    readonly fd: number,
    /** it was not there before */
    readonly isNew: boolean,
  ) {
    this.stats = fstatSync(fd);
    this.isAwaited = this.stats.isFIFO() && hasError(fd);
  }

  /** Takes a new file away again. */
  remove(): void {
    asCaller(() => this.place.remove(this.fd));
  }

  [Symbol.dispose](): void {
    this.place[Symbol.dispose]();
    close(this.fd);
  }
}

/** Opening a FIFO waits for a reader; a reader of our own, for a moment, spares the wait. */
function openUnread(place: Place): number {
  const reader = place.open(O.RDWR | O.NOCTTY | O.NONBLOCK);
  if (reader < 0) return reader;
  try {
    // of what is no FIFO, as a socket or a device without a driver, the first answer counts
    return fstatSync(reader).isFIFO() ? place.open(flags) : -Errno.ENXIO;
  } finally {
    close(reader);
  }
}

function reason(error: unknown): string {
  if (error instanceof NativeError) return describe(error.errno);
  if (!(error instanceof Foreign)) throw error;
  const what = error.isLink ? `the link ${printable(error.entry)}` : "it";
  return `${what} is another user's (uid ${error.owner}), in a folder that is open to all; choose another file`;
}
