/** Files known by their SHA-256, from wherever one of them is. */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { type Apt, apt } from "./apt.ts";
import { cacheFolder } from "./cache.ts";
import { fetchFile, isSilence, reasonOf } from "./fetch.ts";
import { type Mirror, mirror } from "./mirror.ts";
import pins from "./pins.json" with { type: "json" };
import { made } from "./room.ts";

export interface Pin {
  /** Debian's name for the source package that the file belongs to. */
  source: string;
  version: string;
  /** The file's name in Debian's pool. */
  file: string;
  sha256: string;
}

/** Says where it looked in vain, each time it is told. */
type Missed = (place: string, why: string) => void;

/**
 * The path of a pinned file in the cache folder. When it is not there, it comes from the first place that has these
 * very bytes: the folder of $IPCDUMP_SOURCES, the pool of this machine's mirrors by path, whatever revision of the
 * source package any list of them offers. The folder comes before the network, for those who have none.
 *
 * @throws Error that names the file, its hash, each place and where to put it by hand
 */
export async function pinnedFile(pin: Pin): Promise<string> {
  const folder = cacheFolder("pinned");
  const path = join(folder, pin.file);
  const isThere = () => existsSync(path) && digest(path) === pin.sha256;
  const make = async (room: string): Promise<string> => {
    const part = join(room, pin.file);
    const tried: string[] = [];
    const missed: Missed = (place, why) => tried.push(`${place}: ${why}`);
    missed(folder, existsSync(path) ? "other bytes under that name" : "not there");
    if (fromFolder(pin, part, missed) || (await fromMirrors(pin, part, missed))) return part;
    throw new Error(nowhere(pin.file, `SHA-256 ${pin.sha256}`, tried, folder));
  };
  return made(path, make, isThere);
}

/** The one error for a file that no place has. */
export function nowhere(file: string, sum: string, tried: readonly string[], folder?: string): string {
  const there = folder === undefined ? "" : `${folder} or `;
  return [
    `${file} (${sum}) is nowhere to be had; tried`,
    ...tried.map((line) => `  ${line}`),
    `put it by hand into ${there}a folder that IPCDUMP_SOURCES names`,
  ].join("\n");
}

/** The file of $IPCDUMP_SOURCES that passes a test, tried under its own name first; says so when there is none. */
export function inSources(
  file: string,
  isRight: (path: string) => boolean,
  missed: Missed,
): string | undefined {
  const folder = process.env.IPCDUMP_SOURCES;
  if (!folder) {
    missed("$IPCDUMP_SOURCES", "not set");
    return undefined;
  }
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    missed(`$IPCDUMP_SOURCES, ${folder}`, (error as NodeJS.ErrnoException).code ?? String(error));
    return undefined;
  }
  // Elsewhere than in Debian the same bytes have other names.
  const ending = /\.[a-z0-9]+$/.exec(file)?.[0] ?? "";
  const others = names.filter((name) => name !== file && name.endsWith(ending));
  for (const name of [...(names.includes(file) ? [file] : []), ...others]) {
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.isFile() && isRight(path)) return path;
  }
  missed(`$IPCDUMP_SOURCES, ${folder}`, names.includes(file) ? "other bytes under that name" : "not there");
  return undefined;
}

function fromFolder({ file, sha256 }: Pin, part: string, missed: Missed): boolean {
  const found = inSources(file, (path) => digest(path) === sha256, missed);
  if (found !== undefined) copyFileSync(found, part);
  return found !== undefined;
}

async function fromMirrors(pin: Pin, part: string, missed: Missed): Promise<boolean> {
  let machine: Mirror;
  try {
    machine = await mirror();
  } catch (error) {
    missed("this machine's apt sources", reasonOf(error));
    return false;
  }
  const tried = new Set<string>();
  const fetch = async (uri: string): Promise<boolean> => {
    if (tried.has(uri)) return false;
    tried.add(uri);
    const why = await failureOf(uri, () => fetchFile(uri, part, pin.sha256));
    if (why !== null) missed(uri, why);
    return why === null;
  };
  for (const archive of machine.archives) if (await fetch(`${archive}/${poolPath(pin)}`)) return true;
  // no list of sources names a binary package
  if (pin.file.endsWith(".deb")) return false;
  const { suite } = pins;
  const archive = machine.archives[0] ?? "";
  const suites = [suite, `${suite}-updates`, `${suite}-security`, `${suite}-backports`, ...machine.suites];
  const inVain = new Map<string, string[]>();
  for (const name of new Set(suites)) {
    let isFound = false;
    const why = await failureOf(name.endsWith("-security") ? machine.security : archive, async () => {
      const debian = await sourcesOf(machine, name);
      const same = (await debian.sourceFiles(pin.source)).filter(({ sha256 }) => sha256 === pin.sha256);
      for (const { uri } of same) isFound ||= await fetch(uri);
      if (!isFound)
        group(inVain, same.length === 0 ? "no revision has it" : "nothing else that has it", name);
    });
    if (isFound) return true;
    if (why !== null) group(inVain, why, name);
  }
  for (const [why, names] of inVain) missed(`the lists of ${names.join(", ")}`, why);
  return false;
}

/** Hosts that did not answer. None is asked again: each time takes as long. */
const silent = new Set<string>();

/** Why something that a host is asked for can't be had; null when it can. */
async function failureOf(uri: string, ask: () => Promise<void>): Promise<string | null> {
  const { host } = new URL(uri);
  if (silent.has(host)) return "its mirror does not answer";
  try {
    await ask();
    return null;
  } catch (error) {
    const why = reasonOf(error);
    if (isSilence(why)) silent.add(host);
    return why;
  }
}

const sources = new Map<string, Promise<Apt>>();

/** The lists of a suite's sources; what can't be fetched is not tried again for the next file. */
function sourcesOf({ archives }: Mirror, suite: string): Promise<Apt> {
  const key = `${archives[0]} ${suite}`;
  const known = sources.get(key) ?? apt([suite], { type: "deb-src" });
  sources.set(key, known);
  return known;
}

function group(groups: Map<string, string[]>, key: string, value: string): void {
  groups.set(key, [...(groups.get(key) ?? []), value]);
}

/** Where every Debian mirror has a file of a source package. */
function poolPath({ source, file }: Pin): string {
  const initial = source.startsWith("lib") ? source.slice(0, 4) : source.slice(0, 1);
  return ["pool/main", initial, source, basename(file)].join("/");
}

function digest(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
