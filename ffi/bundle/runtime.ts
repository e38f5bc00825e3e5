import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { packages } from "../../package-lock.json";
import { cacheFolder } from "./cache.ts";
import { command } from "./command.ts";
import { inSources, nowhere } from "./pinned.ts";
import { made } from "./room.ts";

/** Other builds of Bun than the one that runs here. */
export type OtherBun = "@oven/bun-linux-x64" | "@oven/bun-linux-x64-musl" | "@oven/bun-linux-aarch64";

/**
 * Another build of the Bun that package.json wants, out of the npm registry: the path of its executable in the
 * cache folder. npm itself never installs what this machine can't run, but package-lock.json has its checksum,
 * since `bun` names it. A package in the folder of $IPCDUMP_SOURCES, as `npm pack` leaves it, comes first.
 *
 * @throws Error that names the package, its checksum, each place and where to put it by hand
 */
export async function otherBun(name: OtherBun): Promise<string> {
  const { version, integrity } = packages[`node_modules/${name}`];
  const parent = cacheFolder("bun");
  const goal = join(parent, `${version}-${integrity.replace(/\W/g, "").slice(6, 22)}`);
  const executable = join("node_modules", name, "bin/bun");
  const whole = async (room: string): Promise<string> => {
    const folder = join(room, "whole");
    mkdirSync(join(folder, "node_modules", name), { recursive: true });
    const file = `${basename(name)}-${version}.tgz`;
    const tried: string[] = [`${goal}: not there`];
    const packed = inSources(
      file,
      (path) => isIntact(path, integrity),
      (place, why) => tried.push(`${place}: ${why}`),
    );
    if (packed !== undefined) {
      const unpack = ["tar", "-x", "-z", "-f", packed, "--strip-components=1", "--no-same-owner"];
      await command([...unpack, "-C", join(folder, "node_modules", name)], { from: "tar" });
    } else {
      process.stderr.write(`fetching ${name} ${version}\n`);
      try {
        await install(folder, name);
      } catch (error) {
        tried.push(`npm's registry, by bun install: ${lastLine(error)}`);
        throw new Error(nowhere(file, integrity, tried));
      }
    }
    if (!existsSync(join(folder, executable))) throw new Error(`${name} ${version} has no bin/bun`);
    return folder;
  };
  await made(goal, whole, () => existsSync(join(goal, executable)));
  return join(goal, executable);
}

/** Installs just this package, by a lock file of just this package: Bun compares what it fetches with the checksum. */
async function install(folder: string, name: OtherBun): Promise<void> {
  const { version, integrity, cpu, ...more } = packages[`node_modules/${name}`];
  const dependencies = { [name]: version };
  const [processor = ""] = cpu;
  const system = { os: "linux", cpu: processor, ...("libc" in more ? { libc: more.libc[0] } : {}) };
  const lock = {
    lockfileVersion: 1,
    workspaces: { "": { name: "runtime", dependencies } },
    packages: { [name]: [`${name}@${version}`, "", system, integrity] },
  };
  const manifest = { name: "runtime", private: true, dependencies };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "bun.lock"), JSON.stringify(lock));
  const words = ["install", "--frozen-lockfile", "--ignore-scripts", `--cpu=${processor}`];
  await command([process.execPath, ...words], { cwd: folder });
}

function isIntact(path: string, integrity: string): boolean {
  const [algorithm = "", sum] = integrity.split(/-(.*)/s);
  return createHash(algorithm).update(readFileSync(path)).digest("base64") === sum;
}

function lastLine(error: unknown): string {
  return String(error).trim().split("\n").at(-1)?.trim() ?? "";
}
