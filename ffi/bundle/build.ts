import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type Apt, apt, type Source } from "./apt.ts";
import { cacheFolder } from "./cache.ts";
import { command } from "./command.ts";
import pins from "./pins.json" with { type: "json" };
import { checkSymbols } from "./symbols.ts";

/** The bundled libbpf, in the cache folder. */
export interface Bundle {
  /** Path of libbpf.so: libbpf with libelf and zlib inside, needing libc only. */
  library: string;
  /** Folder to give clang with -I: `bpf/bpf_helpers.h` and the rest, of the same libbpf. */
  headers: string;
  /** One line for people: `libbpf 1.5.0, libelf 0.192, zlib 1.3.1`. */
  versions: string;
}

interface Pin {
  source: string;
  upstream: string;
  files: Record<string, string>;
}

/** What decides the result; a change in any of these is another bundle. */
const recipe = ["build.ts", "symbols.ts", "shims.c", "config.h", "pins.json"];

const programHeaders = [
  "bpf_helpers.h",
  "bpf_helper_defs.h",
  "bpf_tracing.h",
  "bpf_core_read.h",
  "bpf_endian.h",
  "usdt.bpf.h",
];

/** Builds the bundle from Debian's sources, or finds the one built before. */
export async function bundle(): Promise<Bundle> {
  const hash = createHash("sha256").update(process.arch);
  for (const file of recipe) hash.update(readFileSync(join(import.meta.dir, file)));
  const folder = join(cacheFolder("libbpf"), hash.digest("hex").slice(0, 16));
  if (!existsSync(folder)) await build(folder);
  return {
    library: join(folder, "libbpf.so"),
    headers: join(folder, "include"),
    versions: readFileSync(join(folder, "versions"), "utf8").trim(),
  };
}

async function build(folder: string): Promise<void> {
  const debian = await apt([pins.suite], { source: true });
  process.stderr.write("building libbpf with libelf and zlib from Debian's sources\n");
  const [libbpf, libelf, zlib] = await Promise.all([
    pinned(debian, pins.libbpf),
    pinned(debian, pins.libelf),
    pinned(debian, pins.zlib),
  ]);
  const room = `${folder}.${process.pid}`;
  rmSync(room, { recursive: true, force: true });
  mkdirSync(join(room, "include/bpf"), { recursive: true });
  try {
    const library = join(room, "libbpf.so");
    await link(library, join(libbpf, "src/libbpf.map"), [
      ...(await compile(join(room, "libbpf"), sourcesIn(join(libbpf, "src")), [
        ...["-std=gnu89", "-D_LARGEFILE64_SOURCE", "-D_FILE_OFFSET_BITS=64"],
        ...includes(join(libbpf, "include"), join(libbpf, "include/uapi"), join(libbpf, "src")),
        ...includes(join(libelf, "libelf"), zlib),
      ])),
      ...(await compile(
        join(room, "libelf"),
        [...sourcesIn(join(libelf, "libelf")), join(libelf, "lib/eu-search.c")],
        // Debian's libelf keeps its last error per thread and has no locks; neither has ours.
        ["-std=gnu99", "-DHAVE_CONFIG_H", "-D_GNU_SOURCE", "-DPIC", "-D_FILE_OFFSET_BITS=64"].concat(
          includes(import.meta.dir, join(libelf, "lib"), join(libelf, "libelf"), zlib),
        ),
      )),
      ...(await compile(join(room, "zlib"), sourcesIn(zlib), [
        ...["-std=gnu11", "-DHAVE_UNISTD_H", "-DHAVE_HIDDEN", "-D_LARGEFILE64_SOURCE=1"],
      ])),
      ...(await compile(join(room, "shims"), [join(import.meta.dir, "shims.c")], ["-std=c11"])),
    ]);
    await checkSymbols(library);
    for (const header of programHeaders) {
      copyFileSync(join(libbpf, "src", header), join(room, "include/bpf", header));
    }
    await Bun.write(join(room, "versions"), `${await versions(zlib)}\n`);
    for (const part of ["libbpf", "libelf", "zlib", "shims"]) rmSync(join(room, part), { recursive: true });
    if (!existsSync(folder)) renameSync(room, folder);
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

/** The source tree of the upstream version we mean; Debian may have patched it since, not replaced it. */
async function pinned(debian: Apt, pin: Pin): Promise<string> {
  const source: Source = await debian.source(pin.source, pin.upstream);
  for (const [file, sum] of Object.entries(pin.files)) {
    const got = source.files[file];
    if (got !== sum) {
      throw new Error(`${file}: Debian has SHA-256 ${got ?? "none"}, ffi/bundle/pins.json wants ${sum}`);
    }
  }
  return source.folder;
}

function sourcesIn(folder: string): string[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".c"));
  return files.sort().map((file) => join(folder, file));
}

function includes(...folders: string[]): string[] {
  return folders.flatMap((folder) => ["-I", folder]);
}

const flags = [
  ...["-c", "-O2", "-fPIC", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections"],
  // libelf's last error is the one thread-local; this model spares the import from ld.so.
  "-ftls-model=initial-exec",
  // Others' warnings are not ours to fix.
  "-w",
];

/** Compiles each file into a folder, as many at once as there are cores, and returns the objects. */
async function compile(folder: string, files: string[], more: string[]): Promise<string[]> {
  mkdirSync(folder);
  const objects = files.map((file, at) => ({ file, object: join(folder, `${at}.o`) }));
  const waiting = [...objects];
  // Assertions name their file: without the folder of the machine that built it.
  const map = `-ffile-prefix-map=${cacheFolder("sources")}/=`;
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await command(["gcc", ...flags, map, ...more, "-o", next.object, next.file], { from: "gcc libc6-dev" });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return objects.map(({ object }) => object);
}

async function link(library: string, exports: string, objects: string[]): Promise<void> {
  const linker = [
    ...["--no-undefined", "--gc-sections", "--as-needed", "--strip-all", "--build-id=none"],
    ...["-z,relro", "-z,now", "-z,noexecstack", "-soname,libbpf.so.1"],
    // libbpf's own list of what it exports; everything else, libelf and zlib too, stays inside.
    `--version-script=${exports}`,
  ];
  await command(["gcc", "-shared", "-o", library, ...objects, ...linker.map((option) => `-Wl,${option}`)]);
}

async function versions(zlib: string): Promise<string> {
  const header = await Bun.file(join(zlib, "zlib.h")).text();
  const version = /^#define ZLIB_VERSION "(.*)"/m.exec(header)?.[1] ?? pins.zlib.upstream;
  return `libbpf ${pins.libbpf.upstream}, libelf ${pins.libelf.upstream}, zlib ${version}`;
}
