import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packages } from "../../package-lock.json";
import { cacheFolder } from "../bundle/cache.ts";
import { command } from "../bundle/command.ts";

const name = "@oven/bun-linux-x64-musl";

/**
 * The musl build of the Bun that package.json wants, out of the npm registry: the path of its executable in the
 * cache folder. npm itself never installs it on a machine with glibc, but package-lock.json has its checksum,
 * since `bun` names it; Bun compares what it fetches with that.
 */
export async function muslBun(): Promise<string> {
  const { version, integrity } = packages[`node_modules/${name}`];
  const executable = (folder: string) => join(folder, "node_modules", name, "bin/bun");
  const folder = cacheFolder("bun", `${version}-${integrity.replace(/\W/g, "").slice(6, 22)}`);
  if (existsSync(executable(folder))) return executable(folder);
  process.stderr.write(`fetching ${name} ${version}\n`);
  const room = `${folder}.${process.pid}`;
  mkdirSync(room);
  try {
    const dependencies = { [name]: version };
    const system = { os: "linux", cpu: "x64", libc: "musl" };
    const lock = {
      lockfileVersion: 1,
      workspaces: { "": { name: "musl", dependencies } },
      packages: { [name]: [`${name}@${version}`, "", system, integrity] },
    };
    writeFileSync(join(room, "package.json"), JSON.stringify({ name: "musl", private: true, dependencies }));
    writeFileSync(join(room, "bun.lock"), JSON.stringify(lock));
    await command([process.execPath, "install", "--frozen-lockfile", "--ignore-scripts"], { cwd: room });
    if (!existsSync(executable(room))) throw new Error(`${name} ${version} has no bin/bun`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(room, folder);
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
  return executable(folder);
}
