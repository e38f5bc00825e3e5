import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache.ts";
import { compile } from "./compile.ts";
import { compileLibraries, fetchLibraries, recipe as libraryRecipe, versions } from "./libraries.ts";
import { made } from "./room.ts";
import { checkSymbols } from "./symbols.ts";
import { compilerOf, compilerSays, native, type Target } from "./target.ts";

/** The bundled libbpf, in the cache folder. */
export interface Bundle {
  /** Path of libbpf.so: libbpf with libelf and zlib inside, needing libc only. */
  library: string;
  /** Folder to give clang with -I: `bpf/bpf_helpers.h` and the rest, of the same libbpf. */
  headers: string;
  /** One line for people: `libbpf 1.5.0, libelf 0.192, zlib 1.3.1`. */
  versions: string;
}

/** What decides the result; a change in any of these is another bundle. */
const recipe = ["build.ts", "symbols.ts", "shims.c", ...libraryRecipe];

const programHeaders = [
  "bpf_helpers.h",
  "bpf_helper_defs.h",
  "bpf_tracing.h",
  "bpf_core_read.h",
  "bpf_endian.h",
  "usdt.bpf.h",
];

/** Builds the bundle of a target, or finds the one built before. */
export async function bundle(target: Target = native): Promise<Bundle> {
  const hash = createHash("sha256")
    .update(target.name)
    .update(await compilerOf(target));
  for (const file of recipe) hash.update(readFileSync(join(import.meta.dir, file)));
  const folder = join(cacheFolder("libbpf"), hash.digest("hex").slice(0, 16));
  await made(folder, (room) => build(room, target));
  return {
    library: join(folder, "libbpf.so"),
    headers: join(folder, "include"),
    versions: readFileSync(join(folder, "versions"), "utf8").trim(),
  };
}

async function build(room: string, target: Target): Promise<string> {
  process.stderr.write(`building libbpf with libelf and zlib for ${target.name}\n`);
  const libraries = await fetchLibraries();
  const whole = join(room, "whole");
  mkdirSync(join(whole, "include/bpf"), { recursive: true });
  const library = join(whole, "libbpf.so");
  await link(
    library,
    join(libraries.libbpf, "src/libbpf.map"),
    [
      ...(await compileLibraries(libraries, room, [], target)),
      ...(await compile(join(room, "shims"), [join(import.meta.dir, "shims.c")], ["-std=c11"], target)),
    ],
    target,
  );
  await checkSymbols(library);
  for (const header of programHeaders) {
    copyFileSync(join(libraries.libbpf, "src", header), join(whole, "include/bpf", header));
  }
  writeFileSync(join(whole, "versions"), `${versions}\n`);
  return whole;
}

async function link(library: string, exports: string, objects: string[], target: Target): Promise<void> {
  const linker = [
    ...["--no-undefined", "--gc-sections", "--as-needed", "--strip-all", "--build-id=none"],
    ...["-z,relro", "-z,now", "-z,noexecstack", "-soname,libbpf.so.1"],
    // libbpf's own list of what it exports; everything else, libelf and zlib too, stays inside.
    `--version-script=${exports}`,
  ];
  await compilerSays(target, [
    "-shared",
    "-o",
    library,
    ...objects,
    ...linker.map((option) => `-Wl,${option}`),
  ]);
}
