/** A --path: what the user calls a FIFO, a socket or a terminal, and the file that this name stands for. */
import { realpathSync, statSync } from "node:fs";
import { whole } from "../../ffi/halves.ts";
import type { File } from "../event.ts";
import { Glob } from "./glob.ts";

/** ms for which a file that this was not is not looked at again */
const freshness = 100;
const wild = /[*?[\\]/;

export class WantedPath {
  readonly #glob: Glob;
  /** the folder that the pattern names without a doubt, and the rest of it; null when there is none */
  readonly #folder: readonly [folder: string, rest: string] | null;
  /** the pattern with the real path of its folder */
  #real: Glob | null = null;
  /** what a pattern that is a plain name stands for; null: nothing, by now */
  #file: Omit<File, "path"> | null = null;
  #asked = Number.NEGATIVE_INFINITY;
  /** inodes that it did not stand for then */
  readonly #others = new Set<number>();

  constructor(private readonly pattern: string) {
    this.#glob = new Glob(pattern);
    const [, folder, rest] = /^([^*?[\\]*\/)(.*)$/su.exec(pattern) ?? [];
    this.#folder = folder === undefined || rest === undefined ? null : [folder, rest];
  }

  /** Whether a name is like this one, letter by letter. */
  matches(name: Uint8Array): boolean {
    return this.#glob.matches(name);
  }

  /** Whether this is another name of a file: by another folder's symbolic link, or since it was renamed. */
  isOf(file: File): boolean {
    if (this.#glob.matches(file.path)) return true;
    const now = performance.now();
    if (now - this.#asked >= freshness) {
      this.#asked = now;
      this.#others.clear();
    }
    // numbers of inodes are small in some file systems, and the same in several
    const inode = whole(file.inodeLow, file.inodeHigh) * 4096 + (file.device & 0xfff);
    if (this.#others.has(inode)) return false;
    this.#look();
    if (this.#real?.matches(file.path)) return true;
    if (this.#file !== null && isSame(this.#file, file)) return true;
    this.#others.add(inode);
    return false;
  }

  #look(): void {
    this.#real = null;
    if (this.#folder !== null) {
      const [folder, rest] = this.#folder;
      const real = realPath(folder);
      if (real !== null) this.#real = new Glob(`${literally(real === "/" ? "" : real)}/${rest}`);
    }
    this.#file = wild.test(this.pattern) ? null : fileAt(this.pattern);
  }
}

function isSame(a: Omit<File, "path">, b: File): boolean {
  return a.inodeLow === b.inodeLow && a.inodeHigh === b.inodeHigh && a.device === b.device;
}

function fileAt(path: string): Omit<File, "path"> | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return {
      device: deviceOf(Number(dev)),
      inodeLow: Number(ino & 0xffff_ffffn),
      inodeHigh: Number(ino >> 32n),
    };
  } catch {
    return null; // not there yet, or not for us to see
  }
}

/** A device as the kernel has it, of st_dev: eight bits of the minor number, twelve of the major one, then the rest */
export function deviceOf(device: number): number {
  const [major, minor] = [(device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00)];
  return major * 0x10_0000 + minor;
}

function literally(path: string): string {
  return path.replaceAll(/[*?[\\]/g, "\\$&");
}

function realPath(folder: string): string | null {
  try {
    return realpathSync(folder);
  } catch {
    return null; // not there yet, or not for us to see
  }
}
