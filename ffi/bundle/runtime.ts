import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packages } from "../../package-lock.json";
import { cacheFolder } from "./cache.ts";
import { command } from "./command.ts";

/** Other builds of Bun than the one that runs here. */
export type OtherBun = "@oven/bun-linux-x64" | "@oven/bun-linux-x64-musl" | "@oven/bun-linux-aarch64";

/**
 * Another build of the Bun that package.json wants, out of the npm registry: the path of its executable in the
 * cache folder. npm itself never installs what this machine can't run, but package-lock.json has its checksum,
 * since `bun` names it; Bun compares what it fetches with that.
 */
export async function otherBun(name: OtherBun): Promise<string> {
  const { version, integrity, cpu, ...more } = packages[`node_modules/${name}`];
  const executable = (folder: string) => join(folder, "node_modules", name, "bin/bun");
  const folder = cacheFolder("bun", `${version}-${integrity.replace(/\W/g, "").slice(6, 22)}`);
  if (existsSync(executable(folder))) return executable(folder);
  process.stderr.write(`fetching ${name} ${version}\n`);
  const room = `${folder}.${process.pid}`;
  mkdirSync(room);
  try {
    const dependencies = { [name]: version };
    const [processor = ""] = cpu;
    const system = { os: "linux", cpu: processor, ...("libc" in more ? { libc: more.libc[0] } : {}) };
    const lock = {
      lockfileVersion: 1,
      workspaces: { "": { name: "runtime", dependencies } },
      packages: { [name]: [`${name}@${version}`, "", system, integrity] },
    };
    writeFileSync(
      join(room, "package.json"),
      JSON.stringify({ name: "runtime", private: true, dependencies }),
    );
    writeFileSync(join(room, "bun.lock"), JSON.stringify(lock));
    const install = ["install", "--frozen-lockfile", "--ignore-scripts", `--cpu=${processor}`];
    await command([process.execPath, ...install], { cwd: room });
    if (!existsSync(executable(room))) throw new Error(`${name} ${version} has no bin/bun`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(room, folder);
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
  return executable(folder);
}
