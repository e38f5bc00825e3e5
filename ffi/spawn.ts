/** posix_spawn(3) with raw bytes, so that arguments and environment arrive as they came, valid text or not. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { readFileSync } from "node:fs";
import { Errno, NativeError } from "./error.ts";
import { close, F_SETFD, FD_CLOEXEC, fcntl, lastErrno, memfdCreate, O, write } from "./libc.ts";

const { cstring, i32, i64_fast: long, pointer, u64_fast: size } = FFIType;

const { symbols: c } = dlopen("libc.so.6", {
  pipe2: { args: [pointer, i32], returns: i32 }, // int pipe2(int[2], int)
  read: { args: [i32, pointer, size], returns: long }, // ssize_t read(int, void *, size_t)
  posix_spawn: { args: [pointer, cstring, pointer, pointer, pointer, pointer], returns: i32 }, // int posix_spawn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[])
  posix_spawn_file_actions_init: { args: [pointer], returns: i32 }, // int posix_spawn_file_actions_init(posix_spawn_file_actions_t *)
  posix_spawn_file_actions_addclose: { args: [pointer, i32], returns: i32 }, // int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *, int)
  posix_spawn_file_actions_adddup2: { args: [pointer, i32, i32], returns: i32 }, // int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *, int, int)
  posix_spawn_file_actions_destroy: { args: [pointer], returns: i32 }, // int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *)
  wait4: { args: [i32, pointer, i32, pointer], returns: i32 }, // pid_t wait4(pid_t, int *, int, struct rusage *)
  kill: { args: [i32, i32], returns: i32 }, // int kill(pid_t, int)
  syscall: { args: [long, long, long], returns: long }, // long syscall(long, ...)
});

const WNOHANG = 1;
const SYS_pidfd_open = 434;
/** larger than any posix_spawn_file_actions_t */
const opaque = 512;

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

/** By this name an executable does what child.c does: see begin.h. */
const childName = "ipcdump-child";

/** What a descriptor of a child is: one of ours, or closed. */
export type Copy = readonly [from: number | null, to: number];

/**
 * Starts child.c from memory, or from this executable where memory can't be executed. It inherits what this process
 * inherited, the descriptors of `keep`, and `copies`.
 * @returns its process id
 * @throws NativeError
 */
export function spawnChild(
  program: Uint8Array,
  name: string,
  words: readonly Uint8Array[],
  environment: readonly Uint8Array[],
  keep: readonly number[],
  copies: readonly Copy[],
): number {
  const actions = new Uint8Array(opaque);
  const pid = new Int32Array(1);
  const memory = inMemory(program, name);
  c.posix_spawn_file_actions_init(actions);
  try {
    for (const fd of keep) fcntl(fd, F_SETFD, 0);
    for (const [from, to] of copies) {
      if (from === null) c.posix_spawn_file_actions_addclose(actions, to);
      else c.posix_spawn_file_actions_adddup2(actions, from, to);
    }
    const spawn = (path: string, first: Uint8Array) => {
      const [all, variables] = [vector([first, ...words.slice(1)]), vector(environment)];
      return c.posix_spawn(pid, path as never, actions, null, all, variables);
    };
    let result = memory === null ? Errno.EACCES : spawn(`/proc/self/fd/${memory}`, words[0]!);
    if (result === Errno.EACCES) result = spawn("/proc/self/exe", terminated(childName));
    if (result !== 0) throw new NativeError("start", name, result);
    return pid[0]!;
  } finally {
    for (const fd of keep) fcntl(fd, F_SETFD, FD_CLOEXEC);
    c.posix_spawn_file_actions_destroy(actions);
    if (memory !== null) close(memory);
  }
}

/**
 * A file in memory that can be executed; null where the kernel gives none (vm.memfd_noexec), or none that large
 * (ulimit -f). @throws NativeError
 */
function inMemory(program: Uint8Array, name: string): number | null {
  const memory = memfdCreate(name, true);
  if (memory === -Errno.EACCES) return null;
  if (memory < 0) throw new NativeError("create", "a file in memory", memory);
  for (let at = 0; at < program.length; ) {
    const written = write(memory, program, at);
    if (written < 0) {
      close(memory);
      if (written === -Errno.EFBIG) return null;
      throw new NativeError("write", "a file in memory", written);
    }
    at += written;
  }
  return memory;
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
