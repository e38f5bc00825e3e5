/** Where Wireshark looks for programs that capture. */
import { statSync } from "node:fs";
import { geteuid } from "../../ffi/libc.ts";
import { Failure } from "../failure.ts";

/** where distributions have it; Debian's has the processor in its path */
const usual = [
  `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/wireshark/extcap`,
  "/usr/lib64/wireshark/extcap",
  "/usr/lib/wireshark/extcap",
  "/usr/libexec/wireshark/extcap",
  "/usr/local/lib/wireshark/extcap",
];

/**
 * The folder that tshark says: everybody's for root, else one's own, which only newer ones have. Without tshark the
 * one that is there of the usual ones. @throws Failure
 */
export function folderOfExtcap(): string {
  const said = foldersOfTshark();
  const whose = geteuid() === 0 ? "global" : "personal";
  const found = said.find((line) => line.whose === whose) ?? said[0];
  const folder = found?.path ?? usual.find(isFolder);
  if (folder !== undefined) return folder;
  throw new Failure(
    "where Wireshark looks for programs that capture is not known, without tshark\n" +
      "Name the folder that Help > About > Folders calls Extcap path: ipcdump extcap --install FOLDER",
  );
}

function foldersOfTshark(): { whose: string; path: string }[] {
  if (Bun.which("tshark") === null) return [];
  const { stdout } = Bun.spawnSync(["tshark", "-G", "folders"], {
    stdin: "ignore",
    stderr: "ignore",
  });
  const lines = stdout.toString().matchAll(/^(Personal |Global )?Extcap path:\s*(\/.*)$/gim);
  return [...lines].map(([, whose = "global", path = ""]) => ({
    whose: whose.trim().toLowerCase(),
    path,
  }));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
