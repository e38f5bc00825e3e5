import { command } from "./command.ts";

/** Fetches one file as apt would, by the machine's own settings, and throws when its SHA-256 is another. */
export async function fetchFile(uri: string, path: string, sha256: string): Promise<void> {
  // The cache may lie in a home that the user _apt cannot enter.
  const settings = ["-qq", "-o", "APT::Sandbox::User=root"];
  await command(["/usr/lib/apt/apt-helper", ...settings, "download-file", uri, path, `SHA256:${sha256}`], {
    from: "apt",
  });
}

/** What apt said of a failure, in a few words: `404  Not Found [IP: 192.0.2.1 80]`. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const failed = /Failed to fetch \S+ +(.+)/.exec(message)?.[1];
  // which repository it was the caller knows
  if (/does not have a Release file/.test(message)) return "no Release file there";
  const said = /^ *E: (.+)/m.exec(message)?.[1];
  return (failed ?? said ?? message.split("\n")[0] ?? "").trim();
}
