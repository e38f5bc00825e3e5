/** libbpf, libelf and zlib: the tarballs that pins.json names, and their objects. */
import { createHash } from "node:crypto";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.ts";
import { compile, includes, sourcesIn } from "./compile.ts";
import type { Pin } from "./pinned.ts";
import pins from "./pins.json" with { type: "json" };
import { made } from "./room.ts";
import { sourceTree } from "./source.ts";
import { native, type Target } from "./target.ts";

/** The folders that hold the sources. */
export interface Libraries {
  libbpf: string;
  libelf: string;
  zlib: string;
}

/** What is compiled into libbpf beside its own. */
const added = ["prune.c", "known.c"];

/** What decides the objects, from this folder. */
export const recipe = ["compile.ts", "target.ts", "libraries.ts", "libbpf.patch"].concat(added, [
  "prune.h",
  "known.h",
  "config.h",
  "pins.json",
]);

/** A copy of libbpf's tree, beside it, with our changes in it. Throws when they don't fit. */
async function patched(source: string): Promise<string> {
  const patch = join(import.meta.dir, "libbpf.patch");
  const sum = createHash("sha256").update(readFileSync(patch)).digest("hex").slice(0, 8);
  return made(`${source}-patched-${sum}`, async (room) => {
    const tree = join(room, "tree");
    cpSync(source, tree, { recursive: true });
    await command(["patch", "-p1", "--silent", "--fuzz=0", "-d", tree, "-i", patch], { from: "patch" });
    return tree;
  });
}

/** Fetches all three. Throws naming each that can't be had. */
export async function fetchLibraries(): Promise<Libraries> {
  const failures: string[] = [];
  const fetched = async (pin: Pin): Promise<string> => {
    try {
      return await sourceTree(pin);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
      return "";
    }
  };
  const libbpf = await fetched(pins.libbpf);
  const libelf = await fetched(pins.libelf);
  const zlib = await fetched(pins.zlib);
  if (failures.length > 0) throw new Error(failures.join("\n"));
  return { libbpf: await patched(libbpf), libelf, zlib };
}

/** Compiles all three below a folder, with `more` options, and returns the objects. */
export async function compileLibraries(
  { libbpf, libelf, zlib }: Libraries,
  room: string,
  more: string[] = [],
  target: Target = native,
): Promise<string[]> {
  return [
    ...(await compile(
      join(room, "libbpf"),
      [...sourcesIn(join(libbpf, "src")), ...added.map((file) => join(import.meta.dir, file))],
      [
        ...["-std=gnu89", "-D_LARGEFILE64_SOURCE", "-D_FILE_OFFSET_BITS=64"],
        ...includes(join(libbpf, "include"), join(libbpf, "include/uapi"), join(libbpf, "src")),
        ...includes(join(libelf, "libelf"), zlib, import.meta.dir),
        ...more,
      ],
      target,
    )),
    ...(await compile(
      join(room, "libelf"),
      [...sourcesIn(join(libelf, "libelf")), join(libelf, "lib/eu-search.c")],
      // Debian's libelf keeps its last error per thread and has no locks; neither has ours.
      ["-std=gnu99", "-DHAVE_CONFIG_H", "-D_GNU_SOURCE", "-DPIC", "-D_FILE_OFFSET_BITS=64"].concat(
        includes(import.meta.dir, join(libelf, "lib"), join(libelf, "libelf"), zlib),
        more,
      ),
      target,
    )),
    ...(await compile(
      join(room, "zlib"),
      sourcesIn(zlib),
      [...["-std=gnu11", "-DHAVE_UNISTD_H", "-DHAVE_HIDDEN", "-D_LARGEFILE64_SOURCE=1"], ...more],
      target,
    )),
  ];
}

/** One line for people: `libbpf 1.5.0, libelf 0.192, zlib 1.3.1`. */
export const versions = [
  `libbpf ${pins.libbpf.version}`,
  `libelf ${pins.libelf.version}`,
  `zlib ${pins.zlib.version}`,
].join(", ");
