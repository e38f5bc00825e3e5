/** The lists of a small Debian archive, unsigned. */
import { createHash } from "node:crypto";

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
export function packageLists(suite: string, packages: readonly Binary[]): Record<string, string> {
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
