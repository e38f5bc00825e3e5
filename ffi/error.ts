/** errno numbers of the asm-generic table (x86-64 and arm64 share it): each name with its number and meaning. */
const table = {
  EPERM: [1, "operation not permitted"],
  ENOENT: [2, "no such file or directory"],
  ESRCH: [3, "no such process or kernel function"],
  EINTR: [4, "interrupted"],
  EIO: [5, "input/output error"],
  ENXIO: [6, "no such device or address"],
  E2BIG: [7, "too big"],
  EBADF: [9, "bad file descriptor"],
  EAGAIN: [11, "try again"],
  ENOMEM: [12, "out of memory"],
  EACCES: [13, "permission denied"],
  EFAULT: [14, "bad address"],
  EBUSY: [16, "busy"],
  EEXIST: [17, "file exists"],
  ENODEV: [19, "no such device"],
  ENOTDIR: [20, "not a directory"],
  EISDIR: [21, "is a directory"],
  EINVAL: [22, "invalid argument"],
  ENFILE: [23, "too many open files in the system"],
  EMFILE: [24, "too many open files"],
  ENOTTY: [25, "not a terminal"],
  ETXTBSY: [26, "text file busy"],
  EFBIG: [27, "file too large"],
  ENOSPC: [28, "no space left on device"],
  ESPIPE: [29, "can't seek"],
  EROFS: [30, "read-only file system"],
  EPIPE: [32, "broken pipe"],
  ENAMETOOLONG: [36, "name too long"],
  ENOSYS: [38, "not implemented by this kernel"],
  ELOOP: [40, "too many symbolic links"],
  EOPNOTSUPP: [95, "not supported"],
  ECONNRESET: [104, "connection reset"],
  ETIMEDOUT: [110, "timed out"],
  EDQUOT: [122, "disk quota exceeded"],
  ENOTSUPP: [524, "not supported by this kernel"],
  LIBBPF_ERRNO__FORMAT: [4001, "the BPF object is damaged"],
  LIBBPF_ERRNO__VERIFY: [4003, "the kernel's verifier refused the program"],
} as const;

type Name = keyof typeof table;
const entries = Object.entries(table) as [Name, (typeof table)[Name]][];
const byNumber = new Map(entries.map(([name, [number, meaning]]) => [number as number, { name, meaning }]));

/** The number of each, by its name. */
export const Errno = Object.fromEntries(entries.map(([name, [number]]) => [name, number])) as {
  readonly [Each in Name]: number;
};

/** Name of an errno (its sign does not matter): `ENOSPC`, `errno 77` when it has none here. */
export function errnoName(errno: number): string {
  const n = Math.abs(errno);
  return byNumber.get(n)?.name ?? `errno ${n}`;
}

/** Name and meaning, for people: `ENOSPC, no space left on device`. */
export function describe(errno: number): string {
  const n = Math.abs(errno);
  const entry = byNumber.get(n);
  return entry ? `${entry.name}, ${entry.meaning}` : `errno ${n}`;
}

/** The remedy for an errno that says that the machine has no more of something; null for any other. */
export function remedyAgainst(errno: number): string | null {
  const n = Math.abs(errno);
  if (n === Errno.EMFILE) return "raise the limit of open files: ulimit -n 1024";
  if (n === Errno.ENFILE) return "close some, or raise fs.file-max";
  if (n === Errno.EFBIG) return "raise the limit of file sizes: ulimit -f unlimited";
  if (n === Errno.ENOMEM)
    return "use a smaller --ring, or raise the limit of memory, which may be the cgroup's";
  return null;
}

/** A native call that failed: its operation, its target and its errno (positive). */
export class NativeError extends Error {
  constructor(
    readonly operation: string,
    readonly target: string,
    readonly errno: number,
    /** the library's own words, when it had any */
    readonly log = "",
  ) {
    super(`cannot ${operation} ${target}: ${describe(errno)}`);
    this.errno = Math.abs(errno);
  }
}
