import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { type Apt, apt, type Package } from "../../ffi/bundle/apt.ts";
import { cacheFolder } from "../../ffi/bundle/cache.ts";
import { command } from "../../ffi/bundle/command.ts";
import { Lock } from "../../ffi/bundle/lock.ts";
import { Room } from "../../ffi/bundle/room.ts";

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
 * The series' newest kernel image that can be had, unpacked and never installed. Looked up at most once a week: 12 to
 * 14 MB stay in the cache. Without a network an older image will do.
 */
export async function kernel(series: Series): Promise<Kernel> {
  const folder = cacheFolder("kernels", series);
  const images = () => readdirSync(folder).filter((name) => name.startsWith("vmlinuz-"));
  const age = (name: string) => Date.now() - statSync(join(folder, name)).mtimeMs;
  const recent = () => images().find((name) => age(name) < WEEK_MS);
  const found = recent();
  if (found) return described(folder, series, found);
  // of several runs one looks, and those that wait find what it found
  using _lock = await Lock.of(folder);
  const [cached] = images();
  const name = recent() ?? (await fetched(series, folder, cached));
  for (const other of images()) if (other !== name) rmSync(join(folder, other));
  return described(folder, series, name);
}

function described(folder: string, series: Series, name: string): Kernel {
  return { series, release: name.slice("vmlinuz-".length), image: join(folder, name) };
}

/** The name of the newest image, fetched into the folder, or of the one that was there when none can be. */
async function fetched(series: Series, folder: string, cached: string | undefined): Promise<string> {
  const { suites, image } = SOURCES[series];
  using room = new Room(folder);
  try {
    const debian = await apt([...suites]);
    return await debian.first(image, async (offered) => {
      const name = `vmlinuz-${offered.name.slice("linux-image-".length)}`;
      if (name !== cached) renameSync(await unpacked(debian, offered, room.path), join(folder, name));
      utimesSync(join(folder, name), new Date(), new Date());
      return name;
    });
  } catch (error) {
    if (cached === undefined) throw error;
    process.stderr.write(`cannot look for a newer ${series} kernel: ${String(error)}\ntaking ${cached}\n`);
    return cached;
  }
}

/** The image of a package, or of the one that it stands for. */
async function unpacked(debian: Apt, { name, suite }: Package, room: string): Promise<string> {
  const release = name.slice("linux-image-".length);
  // From 7.0 on, linux-image-… is an empty package and linux-binary-… has the image.
  for (const part of [name, `linux-binary-${release}`]) {
    const folder = join(room, part);
    await command(["dpkg-deb", "-x", await debian.download(part, room, suite), folder], { from: "dpkg" });
    const places = [
      join(folder, `boot/vmlinuz-${release}`),
      join(folder, "usr/lib/modules", release, "vmlinuz"),
    ];
    const image = places.find((path) => existsSync(path));
    if (image !== undefined) return image;
  }
  throw new Error(`neither linux-image-${release} nor linux-binary-${release} holds a kernel image`);
}
