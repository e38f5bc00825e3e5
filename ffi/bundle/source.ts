import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache.ts";
import { command } from "./command.ts";
import { type Pin, pinnedFile } from "./pinned.ts";
import { made } from "./room.ts";

/** The unpacked tree of a pinned tarball, in the cache folder; nothing of Debian's own changes is in it. */
export async function sourceTree(pin: Pin): Promise<string> {
  const name = `${pin.source}-${pin.version}-${pin.sha256.slice(0, 8)}`;
  return made(join(cacheFolder("sources"), name), async (room) => {
    const tree = join(room, name);
    mkdirSync(tree);
    const unpack = ["tar", "-x", "-f", await pinnedFile(pin), "--strip-components=1", "--no-same-owner"];
    await command([...unpack, "-C", tree], { from: "tar bzip2" });
    return tree;
  });
}
