/**
 * The few libc calls ipcdump makes itself. Every function returns what the call returned, or -errno.
 * errno is read on the main thread only, right after the call (facts: no mismatch in 300,000 calls).
 */
import { dlopen, FFIType, type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { writeSync } from "node:fs";
import { Errno, NativeError } from "./error.ts";
import { whole } from "./halves.ts";
import { Life } from "./life.ts";

const { cstring, i32, i64_fast: long, pointer, u64_fast: size } = FFIType;

const stderr = 2;

const prototypes = {
  __errno_location: { args: [], returns: pointer }, // int *__errno_location(void)
  open: { args: [cstring, i32, i32], returns: i32 }, // int open(const char *, int, mode_t)
  close: { args: [i32], returns: i32 }, // int close(int)
  write: { args: [i32, pointer, size], returns: long }, // ssize_t write(int, const void *, size_t)
  poll: { args: [pointer, size, i32], returns: i32 }, // int poll(struct pollfd *, nfds_t, int)
  ftruncate: { args: [i32, long], returns: i32 }, // int ftruncate(int, off_t)
  fcntl: { args: [i32, i32, long], returns: i32 }, // int fcntl(int, int, long)
  memfd_create: { args: [cstring, i32], returns: i32 }, // int memfd_create(const char *, unsigned)
  mmap: { args: [pointer, size, i32, i32, i32, long], returns: long }, // void *mmap(...)
  munmap: { args: [long, size], returns: i32 }, // int munmap(void *, size_t)
  epoll_create1: { args: [i32], returns: i32 }, // int epoll_create1(int)
  epoll_ctl: { args: [i32, i32, i32, pointer], returns: i32 }, // int epoll_ctl(int, int, int, struct epoll_event *)
  epoll_wait: { args: [i32, pointer, i32, i32], returns: i32 }, // int epoll_wait(int, struct epoll_event *, int, int)
  clock_gettime: { args: [i32, pointer], returns: i32 }, // int clock_gettime(clockid_t, struct timespec *)
  geteuid: { args: [], returns: i32 }, // uid_t geteuid(void)
  getpagesize: { args: [], returns: i32 }, // int getpagesize(void)
  vsnprintf: { args: [pointer, size, pointer, pointer], returns: i32 }, // int vsnprintf(char *, size_t, const char *, va_list)
} as const;

/** The first that is opened: where Bun can't make code there is nothing that could be done, nor said by other means. */
function openLibc() {
  try {
    return dlopen("libc.so.6", prototypes).symbols;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const remedy = "allow it memory that can be executed";
    writeSync(stderr, `ipcdump: Bun can't make code here (${words})\n${remedy}\n`);
    process.exit(1);
  }
}

const c = openLibc();

const errnoCell = new Int32Array(toArrayBuffer(c.__errno_location() as Pointer, 0, 4));

function result(value: number): number {
  return value < 0 ? -(errnoCell[0] as number) : value;
}

/** errno as the last native call left it, for libraries that set it and return NULL. */
export function lastErrno(): number {
  return errnoCell[0] as number;
}

export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  ACCMODE: 3,
  CREAT: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  CLOEXEC: 0o2000000,
} as const;
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;
export const F_GETFL = 3;
export const POLLIN = 1;
export const POLLOUT = 4;
const POLLERR = 8;
const POLLHUP = 16;

/** open(2) */
export function open(path: string, flags: number, mode = 0): number {
  return result(c.open(path as never, flags | O.CLOEXEC, mode));
}

/** close(2) */
export function close(fd: number): number {
  return result(c.close(fd));
}

/** write(2) of `length` bytes of `bytes` from `start` on */
export function write(fd: number, bytes: Uint8Array, start = 0, length = bytes.length - start): number {
  if (length === 0) return 0;
  return result(Number(c.write(fd, ptr(bytes, start), length)));
}

const pollfd = new Int32Array(2); // struct pollfd { int fd; short events, revents; }
/** poll(2) of one descriptor: the events that are there (0: none within `milliseconds`) */
export function poll(fd: number, events: number, milliseconds: number): number {
  pollfd[0] = fd;
  pollfd[1] = events;
  const n = result(c.poll(ptr(pollfd), 1, milliseconds));
  return n <= 0 ? n : (pollfd[1] as number) >>> 16;
}

/** Whether a pipe has no reader, or a terminal was hung up. */
export function hasError(fd: number): boolean {
  const events = poll(fd, 0, 0);
  return events > 0 && (events & (POLLERR | POLLHUP)) !== 0;
}

/** ftruncate(2) */
export function ftruncate(fd: number, length: number): number {
  return result(c.ftruncate(fd, length));
}

/** fcntl(2) with an integer argument */
export function fcntl(fd: number, command: number, argument = 0): number {
  return result(c.fcntl(fd, command, argument));
}

/** The effective user id. */
export function geteuid(): number {
  return c.geteuid();
}

const MFD_CLOEXEC = 1;
const MFD_NOEXEC_SEAL = 8;
const MFD_EXEC = 16;

/** memfd_create(2), close-on-exec. Whether it can be executed has to be said where vm.memfd_noexec is set. */
export function memfdCreate(name: string, isProgram: boolean): number {
  const kind = isProgram ? MFD_EXEC : MFD_NOEXEC_SEAL;
  const fd = result(c.memfd_create(name as never, MFD_CLOEXEC | kind));
  // before Linux 6.3 there were no kinds
  return fd === -Errno.EINVAL ? result(c.memfd_create(name as never, MFD_CLOEXEC)) : fd;
}

/** In bytes: 4096, and on arm64 also 16 and 64 KiB. */
export const pageSize = c.getpagesize();

export const PROT_READ = 1;
export const PROT_WRITE = 2;

/** A mapping of a file, shared unless it is `isPrivate`, as an ArrayBuffer, which is empty after disposal. */
export class Mapping implements Disposable {
  readonly buffer: ArrayBuffer;
  readonly #address: number;
  readonly #length: number;
  readonly #life: Life;

  constructor(
    fd: number,
    length: number,
    protection: number,
    offset = 0,
    what = "memory",
    isPrivate = false,
  ) {
    const flags = isPrivate ? 2 /* MAP_PRIVATE */ : 1; /* MAP_SHARED */
    this.#address = Number(c.mmap(null, length, protection, flags, fd, offset));
    if (this.#address === -1) throw new NativeError("map", what, lastErrno());
    this.#length = length;
    this.#life = new Life(what);
    this.buffer = this.#life.lend(toArrayBuffer(this.#address as Pointer, 0, length));
  }

  [Symbol.dispose](): void {
    if (this.#life.end()) c.munmap(this.#address, this.#length);
  }
}

const timespec = new Int32Array(4); // struct timespec { long tv_sec, tv_nsec; }
export const CLOCK_REALTIME = 0;
export const CLOCK_BOOTTIME = 7;
/** clock_gettime(2) into `into`: seconds, nanoseconds */
export function clockGettime(clock: number, into: { seconds: number; nanoseconds: number }): void {
  c.clock_gettime(clock, ptr(timespec));
  into.seconds = whole((timespec[0] as number) >>> 0, timespec[1] as number);
  into.nanoseconds = timespec[2] as number;
}

/** Waits for one descriptor to become readable; the epoll instance is closed on disposal. */
export class Waiter implements Disposable {
  readonly #epoll: number;
  readonly #life = new Life("the ring buffer");
  /** struct epoll_event { u32 events; u64 data; }, which is packed on x86-64 and nowhere else */
  readonly #event = new Int32Array(process.arch === "x64" ? 3 : 4);

  constructor(fd: number) {
    this.#epoll = result(c.epoll_create1(0o2000000));
    if (this.#epoll < 0) throw new NativeError("create", "an epoll instance", this.#epoll);
    this.#event[0] = POLLIN;
    const r = result(c.epoll_ctl(this.#epoll, 1 /* EPOLL_CTL_ADD */, fd, ptr(this.#event)));
    if (r < 0) throw new NativeError("watch", "the ring buffer", r);
  }

  /** Something readable there ends the wait as well. */
  watch(fd: number): void {
    this.#life.check();
    const r = result(c.epoll_ctl(this.#epoll, 1 /* EPOLL_CTL_ADD */, fd, ptr(this.#event)));
    if (r < 0) throw new NativeError("watch", "a process", r);
  }

  /** true when there is something to read within `milliseconds`; a signal ends the wait early */
  wait(milliseconds: number): boolean {
    this.#life.check();
    return c.epoll_wait(this.#epoll, ptr(this.#event), 1, milliseconds) > 0;
  }

  [Symbol.dispose](): void {
    if (this.#life.end()) close(this.#epoll);
  }
}

/** Formats a C va_list that arrived in a callback; at most `into.length - 1` bytes. */
export function formatVaList(into: Uint8Array, format: Pointer, arguments_: Pointer): string {
  const n = c.vsnprintf(ptr(into), into.length, format, arguments_);
  return new TextDecoder().decode(into.subarray(0, Math.max(0, Math.min(n, into.length - 1))));
}
