/**
 * What dist/ipcdump-static has in place of a system: one shared object that is musl's loader and libc, libbpf with
 * libelf and zlib, what Bun needs of libstdc++, and the first instructions of the process. Built here and kept in the cache folder.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "../bundle/cache.ts";
import { command } from "../bundle/command.ts";
import { compile } from "../bundle/compile.ts";
import { compileLibraries, fetchLibraries, recipe as libraryRecipe, versions } from "../bundle/libraries.ts";
import { made } from "../bundle/room.ts";
import { otherBun } from "../bundle/runtime.ts";
import { sourceTree } from "../bundle/source.ts";
import { compilerOf, native } from "../bundle/target.ts";
import { standardLibrary } from "./library.ts";
import pins from "./pins.json" with { type: "json" };
import { checkRuntime, importsOf } from "./symbols.ts";

export interface StaticParts {
  /** Path of the musl build of Bun. */
  bun: string;
  /** Path of the shared object for graft.ts. */
  runtime: string;
  /** One line for people: `libbpf 1.5.0, libelf 0.192, zlib 1.3.1, musl 1.2.5`. */
  versions: string;
}

/** What decides the result, from this folder; a change in any of these is another runtime. */
const recipe = [
  "build.ts",
  "symbols.ts",
  "library.ts",
  "start.c",
  "stdcxx.c",
  "musl.patch",
  "pins.json",
  "include/error.h",
  "../begin.h",
  "../call.h",
  "../caller.h",
  "../handlers.h",
  "../resources.h",
  "../child.c",
]
  .concat(libraryRecipe.map((file) => `../bundle/${file}`))
  .map((file) => join(import.meta.dir, file));

/** Fetches and builds the parts, or finds those of before. */
export async function staticParts(): Promise<StaticParts> {
  const bun = await otherBun("@oven/bun-linux-x64-musl");
  const wanted = await importsOf(bun);
  const hash = createHash("sha256")
    .update(wanted.join())
    .update(await compilerOf(native));
  for (const file of recipe) hash.update(readFileSync(file));
  const folder = join(cacheFolder("runtime"), hash.digest("hex").slice(0, 16));
  await made(folder, (room) => build(room, bun, wanted));
  return {
    bun,
    runtime: join(folder, "libc.so"),
    versions: readFileSync(join(folder, "versions"), "utf8").trim(),
  };
}

async function build(room: string, bun: string, wanted: readonly string[]): Promise<string> {
  process.stderr.write("building musl with libbpf inside\n");
  const libraries = await fetchLibraries();
  const source = await sourceTree(pins.musl);
  const { archive } = await standardLibrary();
  const whole = join(room, "whole");
  mkdirSync(whole);
  const musl = join(room, "musl");
  cpSync(source, musl, { recursive: true });
  await command(["patch", "-s", "-p1", "-i", join(import.meta.dir, "musl.patch")], {
    cwd: musl,
    from: "patch",
  });
  await command([join(musl, "configure"), "--disable-static", `--prefix=${join(room, "include")}`], {
    cwd: musl,
  });
  await command(["make", "install-headers"], { cwd: musl, from: "make" });
  const headers = await muslHeaders(room);
  const one = (file: string, options: readonly string[]) =>
    compile(join(room, file), [join(import.meta.dir, file)], ["-std=gnu11", ...options, ...headers]);
  const standIns = await one("stdcxx.c", ["-fvisibility=default"]);
  const objects = [
    ...(await compileLibraries(libraries, room, [...headers, ...standInMacros])),
    ...(await one("start.c", freestanding)),
    await takeFrom(archive, wanted, standIns, room),
  ];
  // make's own way of linking libc.so, with more in it
  const more = [...objects, "-lgcc", "-Wl,-e,ipcdump_start,--strip-all"];
  writeFileSync(join(room, "more"), more.join("\n"));
  const make = ["make", "-j", String(availableParallelism()), "lib/libc.so", `LIBCC=@${join(room, "more")}`];
  await command(make, { cwd: musl });
  const runtime = join(whole, "libc.so");
  cpSync(join(musl, "lib/libc.so"), runtime);
  await checkRuntime(runtime, bun);
  writeFileSync(join(whole, "versions"), `${versions}, musl ${pins.musl.version}\n`);
  return whole;
}

/** What libelf calls of glibc's that musl has not. */
const standInMacros = ["-Drawmemchr(text,byte)=memchr(text,byte,-1)"];

/** start.c runs before the loader has given any symbol its address; a call of memcpy that gcc makes up would crash. */
const freestanding = ["-ffreestanding", "-fno-stack-protector", "-fno-tree-loop-distribute-patterns"];

/** The options that have gcc compile for musl: its headers, then the kernel's, then gcc's own; none of glibc's. */
async function muslHeaders(room: string): Promise<string[]> {
  const kernel = join(room, "kernel");
  mkdirSync(kernel);
  const triplet = (await command(["gcc", "-print-multiarch"])).trim();
  for (const [name, from] of [
    ["linux", "/usr/include/linux"],
    ["asm-generic", "/usr/include/asm-generic"],
    ["asm", `/usr/include/${triplet}/asm`],
  ] as const) {
    if (!existsSync(from)) throw new Error(`${from} is missing\ntry: apt-get install linux-libc-dev`);
    symlinkSync(from, join(kernel, name));
  }
  const own = (await command(["gcc", "-print-file-name=include"])).trim();
  const folders = [join(room, "include/include"), join(import.meta.dir, "include"), kernel, own];
  return ["-nostdinc", ...folders.flatMap((folder) => ["-isystem", folder])];
}

/**
 * One object of our stand-ins and what else an archive has of the symbols wanted. Of an archive itself musl would
 * hide the symbols.
 */
async function takeFrom(
  archive: string,
  wanted: readonly string[],
  standIns: readonly string[],
  room: string,
): Promise<string> {
  const object = join(room, "taken.o");
  const roots = wanted.map((name) => `-Wl,--undefined=${name}`);
  await command(["gcc", "-r", "-nostdlib", "-o", object, ...standIns, ...roots, archive]);
  return object;
}
