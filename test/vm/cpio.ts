import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

/**
 * Writes a `newc` archive, the only format the kernel unpacks as an initramfs.
 * Everything belongs to root; parent folders appear by themselves, once.
 */
export class CpioArchive implements Disposable {
  readonly #fd: number;
  readonly #seen = new Set<string>(["/"]);
  #inode = 0;

  constructor(path: string) {
    this.#fd = openSync(path, "w", 0o600);
  }

  folder(path: string, mode = 0o755): void {
    if (this.#seen.has(path)) return;
    this.#parents(path);
    this.#entry(path, S_IFDIR | mode, new Uint8Array());
  }

  /** The same path given twice keeps what came first: libraries are named by many programs. */
  file(path: string, contents: string | Uint8Array, mode = 0o644): void {
    if (this.#seen.has(path)) return;
    this.#parents(path);
    this.#entry(path, S_IFREG | mode, typeof contents === "string" ? Buffer.from(contents) : contents);
  }

  copy(path: string, from: string, mode = 0o755): void {
    if (!this.#seen.has(path)) this.file(path, readFileSync(from), mode);
  }

  link(path: string, target: string): void {
    if (this.#seen.has(path)) return;
    this.#parents(path);
    this.#entry(path, S_IFLNK | 0o777, Buffer.from(target));
  }

  [Symbol.dispose](): void {
    this.#entry("/TRAILER!!!", 0, new Uint8Array());
    closeSync(this.#fd);
  }

  #parents(path: string): void {
    const parent = dirname(path);
    if (parent !== path) this.folder(parent);
  }

  #entry(path: string, mode: number, contents: Uint8Array): void {
    this.#seen.add(path);
    const name = Buffer.from(`${path.slice(1)}\0`);
    const fields = [
      ++this.#inode,
      mode,
      0, // uid
      0, // gid
      1, // links
      0, // mtime
      contents.length,
      0, // device, major and minor
      0,
      0, // device this node is, major and minor
      0,
      name.length,
      0, // checksum, unused in newc
    ];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
    this.#write(Buffer.concat([Buffer.from(header), name]));
    this.#write(contents);
  }

  /** Writes and pads to the four bytes that headers and contents are aligned to. */
  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
    const odd = bytes.length % 4;
    if (odd) writeSync(this.#fd, new Uint8Array(4 - odd));
  }
}
