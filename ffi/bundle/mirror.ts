import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache.ts";
import { command } from "./command.ts";

/** Where this machine gets Debian from, without trailing slashes. */
export interface Mirror {
  /** Every archive of the machine's, the most likely one first. */
  archives: string[];
  security: string;
  /** The suites that the machine itself is made of. */
  suites: string[];
}

const debianSuite =
  /^(stable|oldstable|oldoldstable|testing|unstable|sid|bullseye|bookworm|trixie|forky|duke)(-[a-z-]+|\/updates)?$/;

/**
 * Reads the mirror out of the machine's own sources. apt does the reading, so one-line and deb822 files,
 * options and mirror methods all count; nothing is fetched and nothing outside the cache is written.
 */
export async function mirror(): Promise<Mirror> {
  const lists = cacheFolder("apt", "none");
  mkdirSync(join(lists, "partial"), { recursive: true });
  const listed = await command(["apt-get", "update", "--print-uris", "-o", `Dir::State::lists=${lists}`], {
    from: "apt",
  });
  const archives = new Set<string>();
  const suites = new Set<string>();
  let security: string | undefined;
  let best: string | undefined;
  for (const line of listed.split("\n")) {
    // Only `main` counts: other vendors name their suites after Debian's, but not their components.
    const found = /^'(.+?)\/+dists\/([^']+?)\/main\/binary-/.exec(line);
    const base = found?.[1];
    const suite = found?.[2];
    if (base === undefined || suite === undefined || !debianSuite.test(suite)) continue;
    suites.add(suite);
    if (/-security$|\/updates$/.test(suite)) security ??= base;
    else archives.add(base);
    if (suite.endsWith("-updates")) best ??= base;
  }
  const ordered = best === undefined ? [...archives] : [...new Set([best, ...archives])];
  const [archive] = ordered;
  if (archive === undefined) {
    throw new Error(
      "no Debian mirror in this machine's apt sources (/etc/apt/sources.list, /etc/apt/sources.list.d)\n" +
        "build on Debian, or add a Debian archive there",
    );
  }
  return {
    archives: ordered,
    security: security ?? archive.replace(/(\/debian)?$/, "/debian-security"),
    suites: [...suites],
  };
}
