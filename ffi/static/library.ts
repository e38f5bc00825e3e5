/** GCC's libstdc++ as an archive of position-independent objects, and the licence of the library. */
import { cpSync, mkdirSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { apt, type Package } from "../bundle/apt.ts";
import { cacheFolder } from "../bundle/cache.ts";
import { command } from "../bundle/command.ts";
import { reasonOf } from "../bundle/fetch.ts";
import { mirror } from "../bundle/mirror.ts";
import { pinnedFile } from "../bundle/pinned.ts";
import bundlePins from "../bundle/pins.json" with { type: "json" };
import { made } from "../bundle/room.ts";
import pins from "./pins.json" with { type: "json" };

export interface StandardLibrary {
  archive: string;
  copyright: string;
}

const anyVersion = /libstdc\+\+-\d+-pic/;

/**
 * Both files, in the cache folder. What pins.json names comes first; when no place has it any more, what Debian signs
 * instead: another version in the same suite, or one of this machine's own suites.
 */
export async function standardLibrary(): Promise<StandardLibrary> {
  const folder = join(cacheFolder("libstdc++"), pins.stdcxx.sha256.slice(0, 16));
  await made(folder, async (room) => {
    const whole = join(room, "whole");
    mkdirSync(whole);
    try {
      const packed = await pinnedFile(pins.stdcxx);
      await keep(await unpacked(packed, room), await unpacked(await pinnedFile(pins.gcc), room), whole);
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : error}\ntrying other versions\n`);
      await another(room, whole);
    }
    return whole;
  });
  return { archive: join(folder, "libstdc++_pic.a"), copyright: join(folder, "copyright") };
}

async function another(room: string, whole: string): Promise<void> {
  const failures: string[] = [];
  for (const suite of new Set([bundlePins.suite, ...(await mirror()).suites])) {
    try {
      const debian = await apt([suite]);
      await debian.first(anyVersion, async ({ name, suite }: Package) => {
        const folder = await unpacked(await debian.download(name, room, suite), room);
        // a link to the package that has it: gcc-14-base
        const base = basename(readlinkSync(join(folder, "usr/share/doc", name)));
        await keep(folder, await unpacked(await debian.download(base, room, suite), room), whole);
      });
      return;
    } catch (error) {
      failures.push(`${suite}: ${reasonOf(error)}`);
    }
  }
  throw new Error(`no suite has a libstdc++-*-pic\n  ${failures.join("\n  ")}`);
}

async function unpacked(archive: string, room: string): Promise<string> {
  const folder = join(room, basename(archive, ".deb"));
  await command(["dpkg-deb", "-x", archive, folder], { from: "dpkg" });
  return folder;
}

async function keep(library: string, base: string, whole: string): Promise<void> {
  cpSync(await only("usr/lib/gcc/*/*/libstdc++_pic.a", library), join(whole, "libstdc++_pic.a"));
  cpSync(await only("usr/share/doc/gcc-*-base/copyright", base), join(whole, "copyright"));
}

async function only(pattern: string, folder: string): Promise<string> {
  for await (const file of new Bun.Glob(pattern).scan(folder)) return join(folder, file);
  throw new Error(`${basename(folder)} has no ${pattern}`);
}
