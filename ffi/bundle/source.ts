/** Upstream's own tarballs, known by their SHA-256, from wherever one of them is. */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fetchFile } from "./apt.ts";
import { cacheFolder } from "./cache.ts";
import { command } from "./command.ts";
import { mirror } from "./mirror.ts";

export interface Pin {
  /** Debian's name for the source package that has the tarball. */
  source: string;
  version: string;
  /** The tarball's name in Debian's pool. */
  file: string;
  sha256: string;
}

/** The unpacked tree of a tarball, in the cache folder; nothing of Debian's own changes is in it. */
export async function sourceTree(pin: Pin): Promise<string> {
  const name = `${pin.source}-${pin.version}-${pin.sha256.slice(0, 8)}`;
  const folder = join(cacheFolder("sources"), name);
  if (existsSync(folder)) return folder;
  const archive = await tarball(pin);
  const room = join(cacheFolder("sources"), `partial.${randomUUID()}`);
  mkdirSync(room);
  try {
    const unpack = ["tar", "-x", "-f", archive, "--strip-components=1", "--no-same-owner", "-C", room];
    await command(unpack, { from: "tar bzip2" });
    if (!existsSync(folder)) renameSync(room, folder);
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
  return folder;
}

/** The path of the tarball in the cache folder, fetched from the pool of this machine's mirror when it is not there. */
async function tarball({ source, file, sha256 }: Pin): Promise<string> {
  const path = join(cacheFolder("tarballs"), file);
  if (existsSync(path) && digest(path) === sha256) return path;
  const room = join(cacheFolder("tarballs"), `partial.${randomUUID()}`);
  mkdirSync(room);
  try {
    const { archive } = await mirror();
    const initial = source.startsWith("lib") ? source.slice(0, 4) : source.slice(0, 1);
    const uri = `${archive}/pool/main/${initial}/${source}/${file}`;
    await fetchFile(uri, join(room, file), sha256);
    renameSync(join(room, file), path);
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
  return path;
}

function digest(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
