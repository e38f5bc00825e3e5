/** The lists of a small Debian archive, unsigned. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { command } from "../../ffi/bundle/command.ts";
import type { Mirror } from "./mirror.ts";

/** A revision of a source package: its files, by name, lie in `directory`. */
export interface Revision {
  name: string;
  version: string;
  directory: string;
  files: Record<string, string>;
}

/** A binary package, whose file is `filename`. */
export interface Binary {
  name: string;
  version: string;
  filename: string;
  bytes: Uint8Array | string;
}

/** A package with files of these contents, or links to elsewhere; `filename` is where it lies below the archive. */
export async function packed(
  mirror: Mirror,
  { name, version, filename }: Omit<Binary, "bytes">,
  files: Record<string, string | { link: string }>,
): Promise<Binary> {
  const tree = mirror.folder(`${name}_${version}`);
  const control = `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nMaintainer: nobody\nDescription: none\n`;
  const all: typeof files = { "DEBIAN/control": control, ...files };
  for (const [path, contents] of Object.entries(all)) {
    const place = join(tree, path);
    mkdirSync(dirname(place), { recursive: true });
    if (typeof contents === "string") writeFileSync(place, contents);
    else symlinkSync(contents.link, place);
  }
  await command(["dpkg-deb", "--build", tree, `${tree}.deb`]);
  return { name, version, filename, bytes: readFileSync(`${tree}.deb`) };
}

/** Has the suite's lists on the mirror name these packages, of which it has those that are `there`. */
export function offer(
  mirror: Mirror,
  suite: string,
  named: readonly Binary[],
  there: readonly Binary[] = named,
): void {
  for (const [path, text] of Object.entries(packageLists(suite, named))) mirror.set(path, text);
  for (const { filename } of named) mirror.set(filename, undefined);
  for (const { filename, bytes } of there) mirror.set(filename, Buffer.from(bytes));
}

/** The files of a suite that has these sources, for a mirror to serve. */
export function sourceLists(suite: string, revisions: readonly Revision[]): Record<string, string> {
  const stanzas = revisions.map(({ name, version, directory, files }) => {
    const sums = Object.entries(files).map(([file, bytes]) => ` ${sha256(bytes)} ${bytes.length} ${file}\n`);
    return [
      `Package: ${name}\nBinary: ${name}\nVersion: ${version}\nArchitecture: any\nFormat: 3.0 (quilt)\n`,
      `Directory: ${directory}\nChecksums-Sha256:\n${sums.join("")}`,
    ].join("");
  });
  return lists(suite, "main/source/Sources", stanzas.join("\n"));
}

/** The files of a suite that has these packages, for a mirror to serve. */
function packageLists(suite: string, packages: readonly Binary[]): Record<string, string> {
  const stanzas = packages.map(({ name, version, filename, bytes }) =>
    [
      `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nMaintainer: nobody\n`,
      `Filename: ${filename}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\nDescription: none\n`,
    ].join(""),
  );
  return lists(suite, "main/binary-amd64/Packages", stanzas.join("\n"));
}

function lists(suite: string, path: string, text: string): Record<string, string> {
  const release = [
    `Origin: Debian\nSuite: ${suite}\nCodename: ${suite}\nDate: ${new Date().toUTCString()}\n`,
    `Architectures: amd64\nComponents: main\nSHA256:\n ${sha256(text)} ${Buffer.byteLength(text)} ${path}\n`,
  ].join("");
  return { [`dists/${suite}/Release`]: release, [`dists/${suite}/${path}`]: text };
}

function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
