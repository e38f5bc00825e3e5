import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolder } from "./cache.ts";
import { command } from "./command.ts";
import { fetchFile, ownPatience, reasonOf } from "./fetch.ts";
import { Lists } from "./lists.ts";
import { mirror } from "./mirror.ts";
import { written } from "./room.ts";

/** A binary package as the lists name it. */
export interface Package {
  name: string;
  version: string;
  suite: string;
}

/** A file that the lists name, with the SHA-256 that Debian signed. */
interface Listed {
  uri: string;
  file: string;
  sha256: string;
}

/** apt with sources, lists and cache of its own; nothing of the system's apt is written. */
export interface Apt {
  /**
   * Fetches a binary package into a folder and returns the path of the .deb: the newest of `suite`, if one is named, or
   * else whatever other version can be had.
   */
  download(name: string, folder: string, suite?: string): Promise<string>;
  /**
   * What `use` makes of the first package that it succeeds with, of those whose whole name matches, newest version
   * first. When it fails with all, and the lists may be old, they are fetched anew and it is given theirs.
   */
  first<Result>(pattern: RegExp, use: (offered: Package) => Promise<Result>): Promise<Result>;
  /** The files of every revision of a source package, newest first; needs lists of sources. */
  sourceFiles(source: string): Promise<Listed[]>;
}

export interface AptOptions {
  /** Lists of sources instead of packages. */
  type?: "deb" | "deb-src";
  /** Another processor than this machine's, as Debian calls it. */
  architecture?: string;
}

const keyrings = ["debian-archive-keyring.gpg", "debian-archive-keyring.pgp"].map((file) =>
  join("/usr/share/keyrings", file),
);

/**
 * A private apt for some suites (`bullseye`, `bookworm-security`, `trixie-backports`, ...), from the machine's own
 * mirror with the machine's own proxy settings. Lists are fetched at most once a day, but for those that name files
 * which are gone. Signatures are checked against Debian's keyring, as ever. Needs no root.
 */
export async function apt(suites: string[], options: AptOptions = {}): Promise<Apt> {
  const { archives, security } = await mirror();
  const keyring = keyrings.find((file) => existsSync(file));
  if (keyring === undefined) {
    throw new Error("Debian's archive keys are missing\ntry: apt-get install debian-archive-keyring");
  }
  const { type = "deb", architecture = "" } = options;
  const entries = suites.map((suite) => {
    const uri = suite.endsWith("-security") ? security : archives[0];
    return `Types: ${type}\nURIs: ${uri}\nSuites: ${suite}\nComponents: main\nSigned-By: ${keyring}\n`;
  });
  const sources = entries.join("\n");
  const key = createHash("sha256").update(sources).update(architecture).digest("hex").slice(0, 12);
  const folder = cacheFolder("apt", `${suites[0] ?? "none"}-${key}`);
  const config = await configure(folder, sources, architecture);
  const lists = new Lists(folder, config, suites);
  await lists.freshen();
  return new PrivateApt(config, lists);
}

/** Writes the private tree and returns the path of its configuration, read after the system's. */
async function configure(folder: string, sources: string, architecture: string): Promise<string> {
  for (const part of ["etc/empty", "state/lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(folder, part), { recursive: true });
  }
  await written(join(folder, "etc/debian.sources"), sources);
  await written(join(folder, "state/status"), "");
  const patience = (await ownPatience()).map((each) => each.replace(/=(.*)/, ' "$1";')).join("\n");
  const settings = `
${patience}
Dir::Etc "${folder}/etc";
Dir::Etc::sourcelist "debian.sources";
Dir::Etc::sourceparts "empty";
Dir::Etc::preferences "preferences";
Dir::Etc::preferencesparts "empty";
Dir::Etc::trusted "trusted.gpg";
Dir::Etc::trustedparts "empty";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Dir::State "${folder}/state";
Dir::State::lists "lists";
Dir::State::status "${folder}/state/status";
Dir::Cache "${folder}/cache";
Dir::Log "${folder}/cache";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::CNF::DefaultEnabled "false";
APT::Update::Error-Mode "any";
// The cache may lie in a home that the user _apt cannot enter.
APT::Sandbox::User "root";
// Hooks of the system act on the system's apt.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
${architecture === "" ? "" : `#clear APT::Architectures;\nAPT::Architecture "${architecture}";\n`}`;
  const config = join(folder, "apt.conf");
  await written(config, settings);
  return config;
}

class PrivateApt implements Apt {
  readonly #config: string;
  readonly #lists: Lists;

  constructor(config: string, lists: Lists) {
    this.#config = config;
    this.#lists = lists;
  }

  download(name: string, folder: string, suite?: string): Promise<string> {
    const order = (offered: Package[]) => [
      ...offered.filter((each) => each.suite === suite),
      ...offered.filter((each) => each.suite !== suite),
    ];
    return this.#first(name, new RegExp(RegExp.escape(name)), order, async ({ version }) => {
      // apt prints nothing when the file lies in the current folder already; none lies beside the configuration
      const [listed] = await this.#uris(["download", `${name}=${version}`]);
      if (listed === undefined) throw new Error(`apt names no file with a SHA-256 for ${name} ${version}`);
      const path = join(folder, listed.file);
      await fetchFile(listed.uri, path, listed.sha256);
      return path;
    });
  }

  first<Result>(pattern: RegExp, use: (offered: Package) => Promise<Result>): Promise<Result> {
    return this.#first(pattern.source, pattern, (offered) => offered, use);
  }

  async sourceFiles(source: string): Promise<Listed[]> {
    const files: Listed[] = [];
    for (const { version } of await this.#offered([source], " Sources")) {
      files.push(...(await this.#uris(["--only-source", "source", `${source}=${version}`])));
    }
    return files;
  }

  async #first<Result>(
    what: string,
    pattern: RegExp,
    order: (offered: Package[]) => Package[],
    use: (offered: Package) => Promise<Result>,
  ): Promise<Result> {
    for (;;) {
      const { age } = this.#lists;
      const failures: string[] = [];
      for (const offered of order(await this.#find(pattern))) {
        try {
          return await use(offered);
        } catch (error) {
          const { name, version, suite } = offered;
          failures.push(`${name} ${version} of ${suite}: ${reasonOf(error)}`);
        }
      }
      // `use` may have had them fetched
      if (this.#lists.age !== age || (await this.#lists.renew())) continue;
      if (failures.length === 0) failures.push("no such package in the lists");
      const gap = failures.length === 1 ? " " : "\n  ";
      throw new Error(`cannot get Debian's ${what}:${gap}${failures.join("\n  ")}`);
    }
  }

  async #find(pattern: RegExp): Promise<Package[]> {
    const whole = new RegExp(`^(?:${pattern.source})$`);
    const names = (await this.#apt("apt-cache", ["pkgnames"])).split("\n").filter((name) => whole.test(name));
    return names.length === 0 ? [] : this.#offered(names, " Packages");
  }

  /** What the lists of a kind have by these names, newest version first. */
  async #offered(names: string[], kind: string): Promise<Package[]> {
    const found: Package[] = [];
    for (const line of (await this.#apt("apt-cache", ["madison", ...names])).split("\n")) {
      const [name, version, where] = line.split("|").map((part) => part.trim());
      const suite = where?.split(" ")[1]?.replace(/\/[^/]*$/, "");
      if (name && version && suite && where?.endsWith(kind)) found.push({ name, version, suite });
    }
    return newestFirst(found);
  }

  async #uris(words: string[]): Promise<Listed[]> {
    const printed = await this.#apt("apt-get", ["--print-uris", "-qq", ...words]);
    const lines = printed.matchAll(/^'(\S+)' (\S+) \d+ SHA256:([0-9a-f]{64})/gm);
    return [...lines].map(([, uri = "", file = "", sha256 = ""]) => ({ uri, file, sha256 }));
  }

  #apt(program: string, args: string[]): Promise<string> {
    return command([program, "-c", this.#config, ...args], { cwd: dirname(this.#config), from: "apt" });
  }
}

/** Debian's version order is dpkg's to know; the lists are short. */
async function newestFirst<T extends { version: string }>(items: T[]): Promise<T[]> {
  const sorted: T[] = [];
  for (const item of items) {
    let at = 0;
    for (; at < sorted.length; at++) {
      const other = sorted[at]?.version ?? "";
      if (Bun.spawnSync(["dpkg", "--compare-versions", item.version, "gt", other]).exitCode === 0) break;
    }
    sorted.splice(at, 0, item);
  }
  return sorted;
}
