/** What others get: the executables by name and version, the licences of all that is inside, and checksums. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { standardLibrary } from "../static/library.ts";
import staticPins from "../static/pins.json" with { type: "json" };
import { fetchLibraries } from "./libraries.ts";
import pins from "./pins.json" with { type: "json" };
import { sourceTree } from "./source.ts";
import type { Target } from "./target.ts";

/**
 * Puts the files of a release into a folder. Of what is there already only the executables of the same version for
 * other processors stay, so that one checksum file covers all that were made one after another.
 */
export async function release(
  folder: string,
  root: string,
  version: string,
  target: Target,
  executables: readonly string[],
): Promise<void> {
  const named = (machine: string) =>
    new RegExp(`^ipcdump(-static)?-${RegExp.escape(version)}-linux-${machine}$`);
  const ours = named(target.machine);
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (ours.test(name) || !named("\\w+").test(name)) rmSync(join(folder, name), { recursive: true });
  }
  for (const executable of executables) {
    const file = join(folder, `${basename(executable)}-${version}-linux-${target.machine}`);
    copyFileSync(executable, file);
    chmodSync(file, 0o755);
  }
  const files = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
  const texts = join(folder, `ipcdump-${version}-licences.txt`);
  writeFileSync(texts, await licences(root, version));
  const sums = [...files, texts].map((file) => `${sha256(file)}  ${basename(file)}\n`);
  writeFileSync(join(folder, "SHA256SUMS"), sums.join(""));
}

async function licences(root: string, version: string): Promise<string> {
  const { libbpf, libelf, zlib } = await fetchLibraries();
  const musl = await sourceTree(staticPins.musl);
  const modules = join(root, "node_modules");
  const parts: [what: string, ...files: string[]][] = [
    [`ipcdump ${version}`, join(root, "LICENSE")],
    [`Bun ${Bun.version}, the JavaScript runtime`, join(modules, "bun-types/docs/project/license.mdx")],
    ["citty", join(modules, "citty/LICENSE"), join(modules, "citty/dist/THIRD-PARTY-LICENSES.md")],
    ["consola", join(modules, "consola/LICENSE")],
    ["cytoscape, in the pages of ipcdump map -f html", join(modules, "cytoscape/LICENSE")],
    [
      `libbpf ${pins.libbpf.version}`,
      ...["LICENSE", "LICENSE.BSD-2-Clause", "LICENSE.LGPL-2.1"].map((file) => join(libbpf, file)),
    ],
    [
      `libelf of elfutils ${pins.libelf.version}, taken under LGPL-3+ or GPL-2+`,
      ...["COPYING-LGPLV3", "COPYING-GPLV2", "COPYING"].map((file) => join(libelf, file)),
    ],
    [`zlib ${pins.zlib.version}`, join(zlib, "LICENSE")],
    [`musl ${staticPins.musl.version}, in ipcdump-static, with changes`, join(musl, "COPYRIGHT")],
    ["libstdc++, parts of it, in ipcdump-static", (await standardLibrary()).copyright],
  ];
  const chapters = parts.map(([what, ...files]) => {
    const line = "=".repeat(what.length);
    return [line, what, line, ...files.map((file) => readFileSync(file, "utf8").trim())].join("\n\n");
  });
  return `${preface}\n${chapters.join("\n\n")}\n`;
}

const preface = `The licences of what is inside the executables of ipcdump.

libbpf, libelf, zlib and musl are upstream's, libstdc++ is Debian's build; what is changed in libbpf and musl, and why, is in
ffi/bundle/libbpf.patch and ffi/static/musl.patch. ffi/bundle and ffi/static of ipcdump's own source
fetch them, build them and put the executables together, so who changes one of them can build it anew. In place
of the libbpf and libelf inside another one can be used by IPCDUMP_LIBBPF; see docs/security.md.
`;

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
