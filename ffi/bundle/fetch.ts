import { command } from "./command.ts";

/** From a mirror that takes connections and never answers, apt would fetch one file for four minutes; so this takes 40 s. */
const patience = {
  "Acquire::http::Timeout": "10",
  "Acquire::https::Timeout": "10",
  "Acquire::Retries": "1",
};

/** apt's settings for mirrors that do not answer, `NAME=VALUE`: those that the machine has none of its own for. */
export async function ownPatience(): Promise<string[]> {
  const settings = Object.entries(patience);
  const words = settings.flatMap(([name], i) => [`own${i}`, name]);
  const set = await command(["apt-config", "shell", ...words], { from: "apt" });
  return settings.flatMap(([name, value], i) => (set.includes(`own${i}=`) ? [] : [`${name}=${value}`]));
}

/** Whether apt had no answer at all, for that reason of its. */
export function isSilence(reason: string): boolean {
  return /Connection failed|Could not connect|Unable to connect|timed out|Temporary failure resolving/.test(
    reason,
  );
}

/** Fetches one file as apt would, by the machine's own settings, and throws when its SHA-256 is another. */
export async function fetchFile(uri: string, path: string, sha256: string): Promise<void> {
  // The cache may lie in a home that the user _apt cannot enter.
  const settings = ["APT::Sandbox::User=root", ...(await ownPatience())].flatMap((each) => ["-o", each]);
  await command(
    ["/usr/lib/apt/apt-helper", "-qq", ...settings, "download-file", uri, path, `SHA256:${sha256}`],
    {
      from: "apt",
    },
  );
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
