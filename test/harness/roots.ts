/** Systems to chroot into, made of Debian's packages and kept in the cache folder; nothing is installed. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apt } from "../../ffi/bundle/apt.ts";
import { cacheFolder } from "../../ffi/bundle/cache.ts";
import { command } from "../../ffi/bundle/command.ts";
import { made } from "../../ffi/bundle/room.ts";

/** What a root is unpacked from. Each has a busybox that runs there. */
const PACKAGES = {
  "debian-11": { suites: ["bullseye", "bullseye-security"], names: ["base-files", "libc6", "busybox"] },
  "debian-12": { suites: ["bookworm", "bookworm-security"], names: ["base-files", "libc6", "busybox"] },
  "debian-13": { suites: ["trixie", "trixie-security"], names: ["base-files", "libc6", "busybox"] },
  musl: { suites: ["trixie", "trixie-security"], names: ["musl", "busybox-static"] },
} as const;

export type Root = keyof typeof PACKAGES;

/** The path of a root, with folders for /proc, /sys and /tmp and an empty file to mount an executable over. */
export async function unpacked(root: Root): Promise<string> {
  const { suites, names } = PACKAGES[root];
  const folder = join(cacheFolder("roots"), root);
  return made(folder, async (room) => {
    const whole = join(room, "whole");
    mkdirSync(whole);
    const debian = await apt([...suites]);
    // base-files comes first: since Debian 13 it has the links that the others' /bin and /lib are reached by
    for (const name of names) {
      await command(["dpkg-deb", "-x", await debian.download(name, room), whole], { from: "dpkg" });
    }
    for (const one of ["proc", "sys", "tmp"]) mkdirSync(join(whole, one), { recursive: true });
    writeFileSync(join(whole, "ipcdump"), "", { mode: 0o755 });
    return whole;
  });
}

/**
 * The command that runs a shell script as a new user would in a copy of a root, which is gone afterwards: in the folder
 * /release, which is `release`, by the root's own shell and tools.
 */
export function user(root: string, release: string, script: string): string[] {
  const around = [
    'mount -t tmpfs tmpfs "$1/tmp" && cp -a "$1/bin" "$1/etc" "$1/lib"* "$1/usr" "$1/sbin" "$1/tmp" 2>/dev/null; cd "$1/tmp"',
    "mkdir -p dev proc sys release tmp/bin usr/local/bin bin",
    'mount --rbind /dev dev && mount --bind /proc proc && mount --rbind /sys sys && mount --bind "$2" release',
    "box=$(test -e bin/busybox && echo /bin/busybox || echo /usr/bin/busybox)",
    'exec chroot . $box sh -c "$box --install -s /tmp/bin && cd /release && $3"',
  ].join(" && ");
  const path = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/tmp/bin";
  return ["unshare", "-m", "env", path, "sh", "-c", around, "sh", root, release, script];
}

/**
 * The command that starts `executable` as /ipcdump in a root, by the root's own shell, with /proc, /sys and a /tmp
 * that is noexec. The root itself is read-only, so the next one finds it as it was. `before` are shell commands
 * for when all of it is mounted; $1 is the root.
 */
export function inside(root: string, executable: string, before = ":", namespaces = "-m"): string[] {
  const script = [
    'mount --bind "$1" "$1" && mount --rbind /sys "$1/sys" && mount --bind /proc "$1/proc"',
    'mount -t tmpfs -o noexec tmpfs "$1/tmp" && mount --bind "$2" "$1/ipcdump" && mount -o remount,bind,ro "$1"',
    `${before} && cd "$1" && shift 2`,
    `exec chroot . $(test -e bin/busybox && echo /bin/busybox || echo /usr/bin/busybox) sh -c 'exec /ipcdump "$@"' sh "$@"`,
  ].join(" && ");
  return ["unshare", ...namespaces.split(" "), "sh", "-c", script, "sh", root, executable];
}
