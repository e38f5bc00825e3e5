import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * A folder outside the checkout for what is slow to fetch or build, made when missing, readable by its owner only:
 * `$IPCDUMP_CACHE`, else `$XDG_CACHE_HOME/ipcdump`, else `~/.cache/ipcdump`. Deleting it costs time, nothing else.
 */
export function cacheFolder(...parts: string[]): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(process.env.IPCDUMP_CACHE || join(base, "ipcdump"), ...parts);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Error(
      `cannot write the cache folder ${folder}: ${(error as Error).message}\nset IPCDUMP_CACHE to a folder you can write`,
    );
  }
  return folder;
}
