import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolder } from "./cache.ts";
import { command } from "./command.ts";
import { mirror } from "./mirror.ts";

/** A binary package as the lists name it. */
export interface Package {
  name: string;
  version: string;
  suite: string;
}

/** apt with sources, lists and cache of its own; nothing of the system's apt is written. */
export interface Apt {
  /** Fetches a binary package, newest or of one suite, and returns the path of the .deb. */
  download(name: string, suite?: string): Promise<string>;
  /** All binary packages whose whole name matches, newest version first. */
  find(pattern: RegExp): Promise<Package[]>;
  /** The first of `find`; throws when there is none. */
  newest(pattern: RegExp): Promise<Package>;
}

const day = 24 * 60;
const keyrings = ["debian-archive-keyring.gpg", "debian-archive-keyring.pgp"].map((file) =>
  join("/usr/share/keyrings", file),
);

/**
 * A private apt for some suites (`bullseye`, `bookworm-security`, `trixie-backports`, ...), from the machine's own
 * mirror with the machine's own proxy settings. Lists are fetched at most once a day. Signatures are checked against
 * Debian's keyring, as ever. Needs no root. Packages are for this machine, or for the `architecture` that Debian calls so.
 */
export async function apt(suites: string[], options: { architecture?: string } = {}): Promise<Apt> {
  const { archive, security } = await mirror();
  const keyring = keyrings.find((file) => existsSync(file));
  if (keyring === undefined) {
    throw new Error("Debian's archive keys are missing\ntry: apt-get install debian-archive-keyring");
  }
  const entries = suites.map((suite) => {
    const uri = suite.endsWith("-security") ? security : archive;
    return `Types: deb\nURIs: ${uri}\nSuites: ${suite}\nComponents: main\nSigned-By: ${keyring}\n`;
  });
  const sources = entries.join("\n");
  const { architecture = "" } = options;
  const key = createHash("sha256").update(sources).update(architecture).digest("hex").slice(0, 12);
  const folder = cacheFolder("apt", `${suites[0] ?? "none"}-${key}`);
  const config = configure(folder, sources, architecture);
  await update(folder, config, suites);
  return new PrivateApt(config, cacheFolder("packages"));
}

/** Fetches one file, with the machine's own settings for that, and throws when its SHA-256 is another. */
export async function fetchFile(uri: string, path: string, sha256: string): Promise<void> {
  const settings = ["-qq", "-o", "APT::Sandbox::User=root"];
  await command(["/usr/lib/apt/apt-helper", ...settings, "download-file", uri, path, `SHA256:${sha256}`], {
    from: "apt",
  });
}

/** Writes the private tree and returns the path of its configuration, read after the system's. */
function configure(folder: string, sources: string, architecture: string): string {
  for (const part of ["etc/sources", "etc/empty", "state/lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(folder, part), { recursive: true });
  }
  writeFileSync(join(folder, "etc/sources/debian.sources"), sources, { mode: 0o600 });
  if (!existsSync(join(folder, "state/status"))) writeFileSync(join(folder, "state/status"), "");
  const settings = `
Dir::Etc "${folder}/etc";
Dir::Etc::sourcelist "sources.list";
Dir::Etc::sourceparts "sources";
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
  // Renamed into place: another process may be reading it.
  writeFileSync(`${config}.${process.pid}`, settings);
  renameSync(`${config}.${process.pid}`, config);
  return config;
}

/** Fetches the lists when they are older than a day; one process does, others wait for it. */
async function update(folder: string, config: string, suites: string[]): Promise<void> {
  const stamp = join(folder, "updated");
  const had = existsSync(stamp);
  if (had && Date.now() - statSync(stamp).mtimeMs < day * 60_000) return;
  process.stderr.write(`fetching Debian's package lists: ${suites.join(", ")}\n`);
  const script = 'test -n "$(find "$1" -mmin -"$2" 2>/dev/null)" || { s=$1; shift 2; "$@" && touch "$s"; }';
  const fetch = async (...more: string[]): Promise<void> => {
    const update = ["apt-get", "-c", config, ...more, "-qq", "update"];
    await command(["flock", join(folder, "lock"), "sh", "-c", script, "sh", stamp, String(day), ...update]);
  };
  try {
    await fetch();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (/is expired|is not valid anymore/.test(reason)) {
      // A suite past its support is signed once more and then left to expire. Its signature still counts.
      process.stderr.write("the lists have expired; taking them as they are\n");
      await fetch("-o", "Acquire::Check-Valid-Until=false");
      return;
    }
    if (!had) throw new Error(`cannot fetch Debian's package lists for ${suites.join(", ")}\n${reason}`);
    process.stderr.write("cannot refresh Debian's package lists; going on with those at hand\n");
  }
}

class PrivateApt implements Apt {
  readonly #config: string;
  readonly #packages: string;

  constructor(config: string, packages: string) {
    this.#config = config;
    this.#packages = packages;
  }

  async download(name: string, suite?: string): Promise<string> {
    const wanted = suite === undefined ? name : `${name}/${suite}`;
    // apt prints nothing when the file lies in the current folder already.
    const uris = await this.#apt("apt-get", ["--print-uris", "download", wanted], dirname(this.#config));
    const [, file, sum] = /^'\S+' (\S+) \d+ SHA256:([0-9a-f]{64})/m.exec(uris) ?? [];
    if (file === undefined) throw new Error(`apt names no file with a SHA-256 for ${wanted}`);
    const path = join(this.#packages, file);
    if (existsSync(path) && sha256(path) === sum) return path;
    const room = join(this.#packages, `partial.${process.pid}.${file}`);
    mkdirSync(room, { recursive: true });
    try {
      await this.#apt("apt-get", ["-qq", "download", wanted], room);
      renameSync(join(room, file), path);
    } finally {
      rmSync(room, { recursive: true, force: true });
    }
    return path;
  }

  async find(pattern: RegExp): Promise<Package[]> {
    const whole = new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, ""));
    const names = (await this.#apt("apt-cache", ["pkgnames"])).split("\n").filter((name) => whole.test(name));
    if (names.length === 0) return [];
    const found: Package[] = [];
    for (const line of (await this.#apt("apt-cache", ["madison", ...names])).split("\n")) {
      const [name, version, where] = line.split("|").map((part) => part.trim());
      const suite = where?.split(" ")[1]?.replace(/\/[^/]*$/, "");
      if (name && version && suite && where?.endsWith(" Packages")) found.push({ name, version, suite });
    }
    return newestFirst(found);
  }

  async newest(pattern: RegExp): Promise<Package> {
    const [first] = await this.find(pattern);
    if (first === undefined)
      throw new Error(`Debian has no package ${pattern.source} in the suites asked for`);
    return first;
  }

  #apt(program: string, args: string[], cwd = this.#packages): Promise<string> {
    return command([program, "-c", this.#config, ...args], { cwd, from: "apt" });
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

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
