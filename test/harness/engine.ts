/**
 * What a container engine does, as far as ipcdump's image and the commands of docs/containers.md need it. There is
 * none on a test machine; so the same namespaces, mounts and capabilities are made by unshare, mount and test/programs/contained.c.
 */
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { programPath } from "./programs.ts";
import { unpacked } from "./roots.ts";

const NUMBERS: Readonly<Record<string, number>> = {
  DAC_READ_SEARCH: 2,
  SYS_PTRACE: 19,
  SYS_RESOURCE: 24,
  PERFMON: 38,
  BPF: 39,
};

/** How a container is to be run. */
export interface Container {
  capabilities: string[];
  /** the host's pid namespace */
  isHostPid: boolean;
  isReadOnly: boolean;
  /** folders of the host, read-only at the same place inside */
  volumes: string[];
}

export interface Image {
  /** The folder that is its root. */
  root: string;
  entrypoint: string[];
}

/** Builds an image in `folder`: of a Dockerfile what ours have. `context` is where it copies from. */
export async function build(dockerfile: string, context: string, folder: string): Promise<Image> {
  mkdirSync(folder, { recursive: true });
  let entrypoint: string[] = [];
  for (const line of readFileSync(dockerfile, "utf8").split("\n")) {
    const [word = "", ...rest] = line.split(" ");
    if (word === "" || word === "#") continue;
    if (word === "FROM") await start(rest.join(" "), folder);
    else if (word === "COPY") {
      const [from = "", to = ""] = rest;
      mkdirSync(dirname(join(folder, to)), { recursive: true });
      copyFileSync(join(context, from), join(folder, to));
    } else if (word === "ENTRYPOINT") entrypoint = JSON.parse(rest.join(" "));
    // tools for whoever debugs; nothing of ipcdump's
    else if (word !== "RUN" || !/^apt-get update && apt-get install /.test(rest.join(" "))) {
      throw new Error(`${dockerfile}: this engine does not know: ${line}`);
    }
  }
  // an engine makes what it mounts on
  for (const one of ["proc", "sys"]) mkdirSync(join(folder, one), { recursive: true });
  return { root: folder, entrypoint };
}

async function start(base: string, folder: string): Promise<void> {
  if (base === "scratch") return;
  if (base !== "debian:trixie-slim") throw new Error(`this engine has no image ${base}`);
  const { exitCode } = Bun.spawnSync(["cp", "-a", `${await unpacked("debian-13")}/.`, folder]);
  if (exitCode !== 0) throw new Error("cannot copy the Debian root");
}

/** Reads `docker run FLAGS IMAGE …`: what it says, and the words for ipcdump. */
export function parseRun(command: string): { container: Container; image: string; words: string[] } {
  const container: Container = { capabilities: [], isHostPid: false, isReadOnly: false, volumes: [] };
  const words = command.split(/\s+/);
  if (words.shift() !== "docker" || words.shift() !== "run") throw new Error(`not docker run: ${command}`);
  let dropsAll = false;
  while (words[0]?.startsWith("-")) {
    const flag = words.shift()!;
    if (flag === "--rm" || flag === "-it") continue;
    if (flag === "--read-only") {
      container.isReadOnly = true;
      continue;
    }
    const value = words.shift() ?? "";
    const volume = /^(.+):\1:ro$/.exec(value)?.[1];
    if (flag === "--cap-drop" && value === "ALL") dropsAll = true;
    else if (flag === "--cap-add") container.capabilities.push(value);
    else if (flag === "--pid" && value === "host") container.isHostPid = true;
    else if (flag === "-v" && volume !== undefined) container.volumes.push(volume);
    // both are how every container is started here
    else if (
      !(flag === "--security-opt" && value === "no-new-privileges") &&
      !(flag === "--network" && value === "none")
    )
      throw new Error(`this engine does not know: ${flag} ${value}`);
  }
  if (!dropsAll) throw new Error("an engine would add capabilities of its own");
  const image = words.shift() ?? "";
  return { container, image, words };
}

/** The command that runs the image's entrypoint in a container; arguments for it may follow. */
export async function run({ root, entrypoint }: Image, container: Container): Promise<string[]> {
  const numbers = container.capabilities.map((name) => {
    const number = NUMBERS[name];
    if (number === undefined) throw new Error(`no capability ${name}`);
    return number;
  });
  const script = [
    'mount --bind "$1" "$1"',
    // a container has its own of both, and may not write to the second
    'mount -t proc proc "$1/proc"',
    'mount -t sysfs -o ro sysfs "$1/sys"',
    ...container.volumes.map((path) => `mount --rbind -o ro ${path} "$1${path}"`),
    ...(container.isReadOnly ? ['mount -o remount,bind,ro "$1"'] : []),
    'shift && exec "$@"',
  ].join(" && ");
  const contained = [await programPath("contained"), root, numbers.join(), ...entrypoint];
  const pids = container.isHostPid ? [] : ["-p", "-f", "--kill-child"];
  const namespaces = ["-m", "-n", "-i", "-u", "-C", ...pids];
  return ["unshare", ...namespaces, "sh", "-c", script, "sh", root, ...contained];
}
