/**
 * Where a path leads. Each link is followed here, and what another user has put into a folder that is open to all, as
 * /tmp is, is neither followed nor opened: as with the sysctls fs.protected_symlinks, protected_regular and
 * protected_fifos, whatever those are set to.
 */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { fstatSync, type Stats } from "node:fs";
import { Errno, NativeError } from "./error.ts";
import { close, lastErrno, O } from "./libc.ts";

const { cstring, i32, i64_fast: long, pointer, u64_fast: size } = FFIType;

const { symbols: c } = dlopen("libc.so.6", {
  openat: { args: [i32, cstring, i32, i32], returns: i32 }, // int openat(int, const char *, int, mode_t)
  readlinkat: { args: [i32, cstring, pointer, size], returns: long }, // ssize_t readlinkat(int, const char *, char *, size_t)
  fstatfs: { args: [i32, pointer], returns: i32 }, // int fstatfs(int, struct statfs *)
  unlinkat: { args: [i32, cstring, i32], returns: i32 }, // int unlinkat(int, const char *, int)
});

const O_DIRECTORY = process.arch === "arm64" ? 0o40000 : 0o200000;
const O_NOFOLLOW = process.arch === "arm64" ? 0o100000 : 0o400000;
const O_PATH = 0o10000000;
const AT_FDCWD = -100;
/** of a folder: only who owns a file in it may take it away, and others than its owner may put one in */
const sticky = 0o1000;
const writable = 0o022;
const procfs = 0x9fa0;
/** as many as the kernel follows */
const mostLinks = 40;
const longestTarget = 4096;

/** Something of another user's, where anybody may put it. */
export class Foreign extends Error {
  constructor(
    /** the link's name or the file's, as it is in its folder */
    readonly entry: string,
    readonly isLink: boolean,
    readonly owner: number,
  ) {
    super(`${entry} is of uid ${owner}`);
  }
}

/** A name in a folder, be there a file or not. */
export class Place implements Disposable {
  /** @param isMagic a link in /proc, which stands for an open file and leads there by no name */
  private constructor(
    private readonly folder: number,
    private readonly name: string,
    private readonly isMagic: boolean,
  ) {}

  /**
   * Follows all links of a path, the last one too.
   * @throws Foreign, NativeError
   */
  static find(path: string): Place {
    const names = reversed(path);
    if (path === "") throw new NativeError("find", path, Errno.ENOENT);
    let folder = opened(AT_FDCWD, path.startsWith("/") ? "/" : ".");
    try {
      for (let links = 0; ; ) {
        const name = names.pop()!;
        const isLast = names.length === 0;
        const entry = openAt(folder, name, O_PATH | O_NOFOLLOW);
        if (entry === -Errno.ENOENT && isLast) return new Place(folder, name, false);
        if (entry < 0) throw new NativeError("find", path, entry);
        let next = -1;
        try {
          const stats = fstatSync(entry);
          const isLink = stats.isSymbolicLink();
          if (isLink || isLast) check(folder, name, stats);
          const isMagic = isLink && isInProc(entry);
          if (isLast && (!isLink || isMagic)) return new Place(folder, name, isMagic);
          if (!isLink) {
            next = entry;
          } else if (isMagic) {
            next = opened(folder, name);
          } else {
            if (++links > mostLinks) throw new NativeError("follow", path, Errno.ELOOP);
            const target = targetOf(entry);
            names.push(...reversed(target));
            next = target.startsWith("/") ? opened(AT_FDCWD, "/") : opened(folder, ".");
          }
        } finally {
          if (next !== entry) close(entry);
        }
        close(folder);
        folder = next;
      }
    } catch (error) {
      close(folder);
      throw error;
    }
  }

  /** openat(2): a descriptor, or -errno. @throws Foreign */
  open(flags: number, mode = 0): number {
    const fd = openAt(this.folder, this.name, this.isMagic ? flags : flags | O_NOFOLLOW, mode);
    if (fd < 0 || this.isMagic) return fd;
    try {
      check(this.folder, this.name, fstatSync(fd)); // it may be another one by now
    } catch (error) {
      close(fd);
      throw error;
    }
    return fd;
  }

  /** Takes the file that is open as `fd` away, if it still is the one of this name. */
  remove(fd: number): void {
    const now = openAt(this.folder, this.name, O_PATH | O_NOFOLLOW);
    if (now < 0) return;
    const [here, ours] = [fstatSync(now, { bigint: true }), fstatSync(fd, { bigint: true })];
    close(now);
    if (here.ino === ours.ino && here.dev === ours.dev) c.unlinkat(this.folder, this.name as never, 0);
  }

  [Symbol.dispose](): void {
    close(this.folder);
  }
}

/** The names of a path, the first one last; one that ends with a slash means the folder itself. */
function reversed(path: string): string[] {
  const names = path.split("/").filter((name) => name !== "");
  if (path.endsWith("/")) names.push(".");
  return names.reverse();
}

function openAt(folder: number, name: string, flags: number, mode = 0): number {
  const fd = c.openat(folder, name as never, flags | O.CLOEXEC, mode);
  return fd < 0 ? -lastErrno() : fd;
}

/** A folder. @throws NativeError */
function opened(folder: number, name: string): number {
  const fd = openAt(folder, name, O_PATH | O_DIRECTORY);
  if (fd < 0) throw new NativeError("open", name, fd);
  return fd;
}

/** @throws Foreign */
function check(folder: number, name: string, entry: Stats): void {
  const { mode, uid } = fstatSync(folder);
  if ((mode & sticky) === 0 || (mode & writable) === 0) return;
  if (entry.uid !== uid && entry.uid !== process.getuid!())
    throw new Foreign(name, entry.isSymbolicLink(), entry.uid);
}

function isInProc(fd: number): boolean {
  const statfs = new BigInt64Array(32); // struct statfs { long f_type; … }
  return c.fstatfs(fd, ptr(statfs)) === 0 && statfs[0] === BigInt(procfs);
}

/** What is written in a link. @throws NativeError */
function targetOf(link: number): string {
  const bytes = new Uint8Array(longestTarget);
  const length = Number(c.readlinkat(link, "" as never, ptr(bytes), bytes.length));
  if (length < 0) throw new NativeError("read", "a link", lastErrno());
  return new TextDecoder().decode(bytes.subarray(0, length));
}
