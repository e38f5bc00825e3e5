/** Machines of people who have just cloned the project: Debian with node and npm, and nothing else. */
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { apt } from "../../ffi/bundle/apt.ts";
import { cacheFolder } from "../../ffi/bundle/cache.ts";
import { command } from "../../ffi/bundle/command.ts";
import { mirror } from "../../ffi/bundle/mirror.ts";
import { made } from "../../ffi/bundle/room.ts";

const project = join(import.meta.dir, "../..");
const parts = ["build.ts", "package.json", "package-lock.json", "tsconfig.json", ".npmrc"].concat([
  ".ci",
  "bpf",
  "ffi",
  "src",
]);
const certificates = "/etc/ssl/certs/ca-certificates.crt";
const packages = "ca-certificates nodejs npm";

/** The root of a Debian with node and npm, made by debootstrap and apt and kept in the cache folder. */
async function cleanRoot(suite: string): Promise<string> {
  return made(join(cacheFolder("roots"), `clean-${suite}`), async (room) => {
    const debian = await apt([suite]);
    await command(["dpkg-deb", "-x", await debian.download("debootstrap", room), room]);
    const { archives } = await mirror();
    const whole = join(room, "whole");
    const make = [join(room, "usr/sbin/debootstrap"), "--variant=minbase", suite, whole, archives[0] ?? ""];
    await command(make, { env: { DEBOOTSTRAP_DIR: join(room, "usr/share/debootstrap") } });
    const install = `apt-get -qq install -y --no-install-recommends ${packages} && apt-get clean`;
    const around =
      'mount -t proc proc "$1/proc" && cp /etc/resolv.conf /etc/hosts "$1/etc" && chroot "$1" sh -c "$2"';
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    await command(["unshare", "-m", "sh", "-c", around, "sh", whole, install], { env });
    return whole;
  });
}

/**
 * The command that runs a shell script on such a machine, which is in memory and gone afterwards: in a copy of the
 * checkout, with `given` as /given and the Debian mirror of that address, as root. The network is this machine's.
 */
export async function newcomer(
  suite: string,
  given: string,
  mirror: string,
  script: string,
): Promise<string[]> {
  const around = [
    'given=$1 base=$2 suite=$3 mirror=$4 script=$5 registry=$6; mount -t tmpfs tmpfs "$7" && cd "$7"',
    "mkdir upper work root ",
    'mount -t overlay overlay -o "lowerdir=$base,upperdir=upper,workdir=work" root && cd root',
    "mount --rbind /dev dev && mount --rbind /sys sys && mount -t proc proc proc",
    `cp /etc/resolv.conf /etc/hosts etc && { test ! -e ${certificates} || cp ${certificates} .${certificates}; }`,
    'mkdir given ipcdump && mount --bind "$given" given && cp -a given/checkout/. ipcdump',
    'rm -rf etc/apt/sources.list* var/lib/apt/lists && echo "deb $mirror $suite main" >etc/apt/sources.list',
    "unset IPCDUMP_CACHE XDG_CACHE_HOME APT_CONFIG; export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    `export npm_config_registry="$registry" npm_config_cafile=${certificates}`,
    'exec chroot . sh -c "cd /ipcdump; $script"',
  ].join(" && ");
  const checkout = join(given, "checkout");
  mkdirSync(checkout, { recursive: true });
  for (const name of parts) cpSync(join(project, name), join(checkout, name), { recursive: true });
  const place = join(given, "machine");
  mkdirSync(place, { recursive: true });
  const registry = (await command(["npm", "config", "get", "registry"])).trim();
  const words = [given, await cleanRoot(suite), suite, mirror, script, registry, place];
  return ["unshare", "-m", "-p", "-f", "--kill-child", "sh", "-c", around, "sh", ...words];
}
