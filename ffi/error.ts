/** errno numbers of the asm-generic table (x86-64 and arm64 share it), each with its name and what it means. */
const table: Record<number, [name: string, words: string]> = {
  1: ["EPERM", "operation not permitted"],
  2: ["ENOENT", "no such file or directory"],
  3: ["ESRCH", "no such process or kernel function"],
  4: ["EINTR", "interrupted"],
  5: ["EIO", "input/output error"],
  6: ["ENXIO", "no such device or address"],
  7: ["E2BIG", "too big"],
  9: ["EBADF", "bad file descriptor"],
  11: ["EAGAIN", "try again"],
  12: ["ENOMEM", "out of memory"],
  13: ["EACCES", "permission denied"],
  14: ["EFAULT", "bad address"],
  16: ["EBUSY", "busy"],
  17: ["EEXIST", "file exists"],
  19: ["ENODEV", "no such device"],
  20: ["ENOTDIR", "not a directory"],
  21: ["EISDIR", "is a directory"],
  22: ["EINVAL", "invalid argument"],
  23: ["ENFILE", "too many open files in the system"],
  24: ["EMFILE", "too many open files"],
  25: ["ENOTTY", "not a terminal"],
  26: ["ETXTBSY", "text file busy"],
  27: ["EFBIG", "file too large"],
  28: ["ENOSPC", "no space left on device"],
  29: ["ESPIPE", "can't seek"],
  30: ["EROFS", "read-only file system"],
  32: ["EPIPE", "broken pipe"],
  36: ["ENAMETOOLONG", "name too long"],
  38: ["ENOSYS", "not implemented by this kernel"],
  40: ["ELOOP", "too many symbolic links"],
  95: ["EOPNOTSUPP", "not supported"],
  110: ["ETIMEDOUT", "timed out"],
  122: ["EDQUOT", "disk quota exceeded"],
  524: ["ENOTSUPP", "not supported by this kernel"],
  4001: ["LIBBPF_ERRNO__FORMAT", "the BPF object is damaged"],
  4003: ["LIBBPF_ERRNO__VERIFY", "the kernel's verifier refused the program"],
};

/** Name of an errno (its sign does not matter): `ENOSPC`, `errno 77` when it has none here. */
export function errnoName(errno: number): string {
  const n = Math.abs(errno);
  return table[n]?.[0] ?? `errno ${n}`;
}

/** Name and meaning, for people: `ENOSPC, no space left on device`. */
export function describe(errno: number): string {
  const n = Math.abs(errno);
  const entry = table[n];
  return entry ? `${entry[0]}, ${entry[1]}` : `errno ${n}`;
}

/** A native call that failed: what was done, on what, and the errno it gave (positive). */
export class NativeError extends Error {
  constructor(
    readonly operation: string,
    readonly target: string,
    readonly errno: number,
    /** what the library said of it, when it said anything */
    readonly log = "",
  ) {
    super(`cannot ${operation} ${target}: ${describe(errno)}`);
    this.errno = Math.abs(errno);
  }
}
