/** posix_spawn(3) with raw bytes, so that arguments and environment arrive as they came, valid text or not. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { readFileSync } from "node:fs";
import { Errno, NativeError } from "./error.ts";
import { close, lastErrno, memfdCreate, O, write } from "./libc.ts";

const { cstring, i32, i64_fast: long, pointer, u64_fast: size } = FFIType;

const { symbols: c } = dlopen("libc.so.6", {
  pipe2: { args: [pointer, i32], returns: i32 }, // int pipe2(int[2], int)
  read: { args: [i32, pointer, size], returns: long }, // ssize_t read(int, void *, size_t)
  posix_spawn: { args: [pointer, cstring, pointer, pointer, pointer, pointer], returns: i32 }, // int posix_spawn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[])
  posix_spawn_file_actions_init: { args: [pointer], returns: i32 }, // int posix_spawn_file_actions_init(posix_spawn_file_actions_t *)
  posix_spawn_file_actions_adddup2: { args: [pointer, i32, i32], returns: i32 }, // int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *, int, int)
  posix_spawn_file_actions_destroy: { args: [pointer], returns: i32 }, // int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *)
  posix_spawnattr_init: { args: [pointer], returns: i32 }, // int posix_spawnattr_init(posix_spawnattr_t *)
  posix_spawnattr_setflags: { args: [pointer, i32], returns: i32 }, // int posix_spawnattr_setflags(posix_spawnattr_t *, short)
  posix_spawnattr_setsigdefault: { args: [pointer, pointer], returns: i32 }, // int posix_spawnattr_setsigdefault(posix_spawnattr_t *, const sigset_t *)
  sigemptyset: { args: [pointer], returns: i32 }, // int sigemptyset(sigset_t *)
  sigaddset: { args: [pointer, i32], returns: i32 }, // int sigaddset(sigset_t *, int)
  wait4: { args: [i32, pointer, i32, pointer], returns: i32 }, // pid_t wait4(pid_t, int *, int, struct rusage *)
  kill: { args: [i32, i32], returns: i32 }, // int kill(pid_t, int)
  syscall: { args: [long, long, long], returns: long }, // long syscall(long, ...)
});

const POSIX_SPAWN_SETSIGDEF = 4;
const WNOHANG = 1;
const SYS_pidfd_open = 434;
/** larger than any of glibc's opaque types here: posix_spawnattr_t is 336 bytes */
const opaque = 512;
/** what Bun ignores for itself and a child would inherit */
const ignoredByBun = [13, 25]; // SIGPIPE, SIGXFSZ

/** pipe2(2), both ends close-on-exec: [to read from, to write to] */
export function pipe(): [number, number] {
  const ends = new Int32Array(2);
  if (c.pipe2(ends, O.CLOEXEC) < 0) throw new NativeError("make", "a pipe", lastErrno());
  return [ends[0]!, ends[1]!];
}

/** Reads until `into` is full or the end: how many bytes that were, or -errno. Waits. */
export function readAll(fd: number, into: Uint8Array): number {
  let length = 0;
  while (length < into.length) {
    const count = Number(c.read(fd, ptr(into, length), into.length - length));
    if (count === 0) break;
    if (count > 0) length += count;
    else if (lastErrno() !== Errno.EINTR) return -lastErrno();
  }
  return length;
}

/** The raw, NUL-separated strings of a file in /proc/self: `cmdline` or `environ`. */
export function ownStrings(file: "cmdline" | "environ"): Uint8Array[] {
  const bytes = readFileSync(`/proc/self/${file}`);
  const strings: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start);
    strings.push(Uint8Array.from(bytes.subarray(start, end < 0 ? bytes.length : end)));
    start = end < 0 ? bytes.length : end + 1;
  }
  return strings;
}

/** A string for C: its bytes and a NUL. */
export function terminated(text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const string = new Uint8Array(bytes.length + 1);
  string.set(bytes);
  return string;
}

/** char *const[] with the strings themselves behind it, for nothing else keeps those that are only pointed to */
function vector(strings: readonly Uint8Array[]): Uint8Array {
  const start = (strings.length + 1) * 8;
  const block = new Uint8Array(start + strings.reduce((sum, { length }) => sum + length, 0));
  const pointers = new BigUint64Array(block.buffer, 0, strings.length);
  let at = start;
  for (const [i, string] of strings.entries()) {
    block.set(string, at);
    pointers[i] = BigInt(ptr(block, at));
    at += string.length;
  }
  return block;
}

/** By this name dist/ipcdump-static does what child.c does: see static/start.c. */
const childName = "ipcdump-child";

/**
 * Starts child.c from memory, or from this executable where that `isChildToo` and memory can't be executed. It inherits what this process inherited, and the descriptors of
 * `keep`; each pair of `copies` is [ours, its number there].
 * @returns its process id
 * @throws NativeError
 */
export function spawnChild(
  program: Uint8Array,
  isChildToo: boolean,
  name: string,
  words: readonly Uint8Array[],
  environment: readonly Uint8Array[],
  keep: readonly number[],
  copies: readonly (readonly [from: number, to: number])[],
): number {
  const memory = memfdCreate(name);
  if (memory < 0) throw new NativeError("create", "a file in memory", memory);
  const [actions, attributes] = [new Uint8Array(opaque), new Uint8Array(opaque)];
  const signals = new Uint8Array(128); // sigset_t
  const pid = new Int32Array(1);
  try {
    for (let at = 0; at < program.length; ) {
      const written = write(memory, program, at);
      if (written < 0) throw new NativeError("write", "a file in memory", written);
      at += written;
    }
    c.posix_spawn_file_actions_init(actions);
    // a descriptor copied onto itself loses close-on-exec
    for (const fd of keep) c.posix_spawn_file_actions_adddup2(actions, fd, fd);
    for (const [from, to] of copies) c.posix_spawn_file_actions_adddup2(actions, from, to);
    c.posix_spawnattr_init(attributes);
    c.sigemptyset(signals);
    for (const number of ignoredByBun) c.sigaddset(signals, number);
    c.posix_spawnattr_setsigdefault(attributes, signals);
    c.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF);
    const spawn = (path: string, first: Uint8Array) =>
      c.posix_spawn(
        pid,
        path as never,
        actions,
        attributes,
        vector([first, ...words.slice(1)]),
        vector(environment),
      );
    let result = spawn(`/proc/self/fd/${memory}`, words[0]!);
    if (result === Errno.EACCES && isChildToo) result = spawn("/proc/self/exe", terminated(childName));
    if (result === Errno.EACCES)
      throw new NativeError("execute", "a file in memory (vm.memfd_noexec?)", result);
    if (result !== 0) throw new NativeError("start", name, result);
    return pid[0]!;
  } finally {
    c.posix_spawn_file_actions_destroy(actions);
    close(memory);
  }
}

/** The exit status of a child that has ended, 128+n when signal n ended it; null while it runs. */
export function reap(pid: number): number | null {
  const status = new Int32Array(1);
  const result = c.wait4(pid, status, WNOHANG, null);
  if (result === 0) return null;
  if (result < 0) return lastErrno() === Errno.EINTR ? null : 1; // reaped by someone else: how it ended is lost
  const signal = status[0]! & 0x7f;
  return signal === 0 ? (status[0]! >> 8) & 0xff : 128 + signal;
}

/** kill(2); one who is gone already is no error */
export function kill(pid: number, signal: number): void {
  c.kill(pid, signal);
}

/** Whether there is a process of this number, a zombie included. */
export function isAlive(pid: number): boolean {
  return c.kill(pid, 0) === 0 || lastErrno() === Errno.EPERM;
}

/** A descriptor that can be read once the process has ended; -1 before Linux 5.3. */
export function openPidfd(pid: number): number {
  return Number(c.syscall(SYS_pidfd_open, pid, 0));
}
