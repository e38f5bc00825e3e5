/** A systemd with units of one's own, in namespaces, a cgroup and a root that end with it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { eventually } from "./condition.ts";

/** Makes the cgroup, and all else in namespaces of its own. */
const outer = `
set -e
mount -t tmpfs tmpfs "$1/root"
mkdir "$1/root/groups"
mount -t cgroup2 none "$1/root/groups"
mkdir "$1/root/groups/$2"
echo $$ >"$1/root/groups/$2/cgroup.procs"
exec unshare -C -i -m -n -p -u -f --kill-child sh -c "$3" sh "$1"`;

/** No file of this system and no sysctl can be written from within. */
const inner = `
set -e
cd "$1/root"
for each in bin lib lib64 sbin usr; do
	if [ -L "/$each" ]; then
		cp -P "/$each" .
	elif [ -d "/$each" ]; then
		mkdir "$each"
		mount --rbind "/$each" "$each"
		mount -o remount,bind,ro "$each"
	fi
done
mkdir dev etc proc run said sys tmp
chmod 1777 said tmp
mount -t tmpfs tmpfs dev
for each in null random urandom zero; do
	: >"dev/$each"
	mount --bind "/dev/$each" "dev/$each"
done
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t tmpfs tmpfs sys
mkdir -p sys/fs/cgroup
mount -t cgroup2 none sys/fs/cgroup
umount groups
printf 'root:x:0:0::/:/bin/sh\\nnobody:x:65534:65534::/:/bin/sh\\n' >etc/passwd
printf 'root:x:0:\\nnogroup:x:65534:\\n' >etc/group
cp -R "$1/etc/systemd" etc
cp "$1/program" .
echo 0123456789abcdef0123456789abcdef >etc/machine-id
export container=test SYSTEMD_UNIT_PATH=/etc/systemd/system SYSTEMD_GENERATOR_PATH=/none
exec chroot . /lib/systemd/systemd --system --log-target=null --show-status=no`;

/** Takes its cgroups away, once none has a process any more. */
const cleaning = `
mount -t cgroup2 none "$1/root" && cd "$1/root" || exit 1
find "$2" -depth -type d -exec rmdir {} ';' 2>/dev/null
[ ! -e "$2" ]`;

export class Systemd implements AsyncDisposable {
  private constructor(
    private readonly folder: string,
    private readonly process: Bun.Subprocess<"ignore", "ignore", "pipe">,
  ) {}

  /**
   * Starts it in the cgroup `group`.
   * @param program which its units have as /program
   * @param units their files by name; default.target is started
   */
  static start(program: string, units: Readonly<Record<string, string>>): Systemd {
    const folder = mkdtempSync(join(tmpdir(), "ipcdump-systemd-"));
    const place = join(folder, "etc/systemd/system");
    mkdirSync(place, { recursive: true });
    mkdirSync(join(folder, "root"));
    for (const [name, text] of Object.entries(units)) writeFileSync(join(place, name), text);
    Bun.spawnSync(["cp", program, join(folder, "program")]);
    const words = ["unshare", "-m", "sh", "-c", outer, "sh", folder, basename(folder), inner];
    return new Systemd(folder, Bun.spawn(words, { stdin: "ignore", stdout: "ignore", stderr: "pipe" }));
  }

  /** Its cgroup below the top. */
  get group(): string {
    return `/${basename(this.folder)}`;
  }

  /** What was said when it ended too early. */
  async failure(): Promise<string> {
    return `${await this.process.exited} ${await this.process.stderr.text()}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
    const words = ["unshare", "-m", "sh", "-c", cleaning, "sh", this.folder, basename(this.folder)];
    await eventually("the end of all its processes", () => Bun.spawnSync(words).success || undefined);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
