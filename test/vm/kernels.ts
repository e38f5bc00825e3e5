import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { apt, type Package } from "../../ffi/bundle/apt.ts";
import { cacheFolder } from "../../ffi/bundle/cache.ts";
import { command } from "../../ffi/bundle/command.ts";
import { Scratch } from "./scratch.ts";

/** Where each series' newest cloud kernel is found, and by which package name. */
const SOURCES = {
  "5.10": { suites: ["bullseye", "bullseye-security"], image: /linux-image-5\.10\.[\d.-]+-cloud-amd64/ },
  "6.1": { suites: ["bookworm", "bookworm-security"], image: /linux-image-6\.1\.[\d.-]+-cloud-amd64/ },
  "6.12": { suites: ["trixie", "trixie-security"], image: /linux-image-6\.12\.[\d.]+\+deb13-cloud-amd64/ },
  "7.x": { suites: ["trixie-backports"], image: /linux-image-7\.[\d.]+\+deb13-cloud-amd64/ },
} as const;

export type Series = keyof typeof SOURCES;
export const SERIES = Object.keys(SOURCES) as Series[];

/** The series that a kernel release belongs to: `6.1.0-56-cloud-amd64` is a 6.1. */
export function seriesOf(release: string): Series | undefined {
  return SERIES.find((series) => release.startsWith(`${series.replace(/\.x$/, "")}.`));
}

export interface Kernel {
  series: Series;
  /** As `uname -r` will say. */
  release: string;
  /** Path of the compressed image. */
  image: string;
}

const WEEK_MS = 7 * 24 * 3600 * 1000;

/**
 * The series' newest kernel image, unpacked and never installed. Looked up at most once a week: 12 to 14 MB
 * stay in the cache. Without a network an older image will do.
 */
export async function kernel(series: Series): Promise<Kernel> {
  const folder = cacheFolder("kernels", series);
  const cached = readdirSync(folder).find((name) => name.startsWith("vmlinuz-"));
  if (cached && Date.now() - statSync(join(folder, cached)).mtimeMs < WEEK_MS)
    return described(series, cached);
  try {
    return described(series, await fetch(series, folder, cached));
  } catch (error) {
    if (!cached) throw error;
    process.stderr.write(`cannot look for a newer ${series} kernel: ${String(error)}\ntaking ${cached}\n`);
    return described(series, cached);
  }
}

function described(series: Series, name: string): Kernel {
  return {
    series,
    release: name.slice("vmlinuz-".length),
    image: join(cacheFolder("kernels", series), name),
  };
}

/** Puts the newest image into the folder, in place of the one that was there, and returns its name. */
async function fetch(series: Series, folder: string, cached: string | undefined): Promise<string> {
  const { suites, image } = SOURCES[series];
  const debian = await apt([...suites]);
  const newest = await debian.newest(image);
  const release = newest.name.slice("linux-image-".length);
  const name = `vmlinuz-${release}`;
  if (name === cached) {
    utimesSync(join(folder, name), new Date(), new Date());
    return name;
  }

  using scratch = new Scratch();
  const room = scratch.path();
  // From 7.0 on, linux-image-… is an empty package and linux-binary-… has the image.
  const packages: Pick<Package, "name" | "suite">[] = [
    newest,
    { ...newest, name: `linux-binary-${release}` },
  ];
  for (const { name: part, suite } of packages) {
    const archive = await debian.download(part, suite);
    await command(["dpkg-deb", "-x", archive, room], { from: "dpkg" });
    rmSync(archive);
    const unpacked = [join(room, "boot", name), join(room, "usr/lib/modules", release, "vmlinuz")].find(
      (path) => existsSync(path),
    );
    if (!unpacked) continue;
    // Renamed into place: another run may be looking.
    const partial = join(folder, `partial.${process.pid}`);
    copyFileSync(unpacked, partial);
    renameSync(partial, join(folder, name));
    if (cached) rmSync(join(folder, cached));
    return name;
  }
  throw new Error(`neither linux-image-${release} nor linux-binary-${release} holds a kernel image`);
}
