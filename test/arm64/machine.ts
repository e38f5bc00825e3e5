/** A machine of that processor, emulated whole: Debian's kernel for it, busybox, and ipcdump. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { apt } from "../../ffi/bundle/apt.ts";
import { cacheFolder } from "../../ffi/bundle/cache.ts";
import { command } from "../../ffi/bundle/command.ts";
import { made } from "../../ffi/bundle/room.ts";
import { compilerSays, targetOf } from "../../ffi/bundle/target.ts";
import { CpioArchive } from "../vm/cpio.ts";
import { Scratch } from "../vm/scratch.ts";

const target = targetOf("arm64");
/** Where Debian's cross packages have the loader and libc of that processor. */
export const LIBRARIES = "/usr/aarch64-linux-gnu";
const WANTED = ["ld-linux-aarch64.so.1", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0"];
/** The one of Debian 12 that has every back end on arm64, in a form that QEMU boots by itself. */
const KERNEL = /linux-image-6\.12\.[\d.]+\+deb12-cloud-arm64/;
/** A hang, never a delay, however busy the host. */
export const LIMIT_MS = 600_000;

const BEFORE = `#!/bin/busybox sh
export PATH=/bin HOME=/
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /tmp
mount -t tracefs tracefs /sys/kernel/tracing
ip link set lo up
echo the beginning
`;

interface System {
  kernel: string;
  busybox: string;
}

/** Fetches kernel and busybox once; they stay in the cache. */
async function system(): Promise<System> {
  const folder = join(cacheFolder("kernels"), "arm64");
  const found = { kernel: join(folder, "vmlinuz"), busybox: join(folder, "busybox") };
  await made(folder, async (room) => {
    const whole = join(room, "whole");
    mkdirSync(whole);
    const debian = await apt(["bookworm", "bookworm-security"], { architecture: "arm64" });
    const unpack = async (pattern: RegExp, file: (name: string) => string, as: string) =>
      debian.first(pattern, async ({ name, suite }) => {
        const archive = await debian.download(name, room, suite);
        await command(["dpkg-deb", "-x", archive, join(room, name)], { from: "dpkg" });
        copyFileSync(join(room, name, file(name)), join(whole, as));
      });
    await unpack(KERNEL, (name) => `boot/vmlinuz-${name.slice("linux-image-".length)}`, "vmlinuz");
    await unpack(/busybox-static/, () => "bin/busybox", "busybox");
    return whole;
  });
  return found;
}

/**
 * Boots one with `executable` as /ipcdump and workloads of test/programs in /programs, and runs a shell script there:
 * its lines, what it wrote to stderr among them.
 */
export async function runInMachine(
  executable: string,
  programs: readonly string[],
  script: string,
): Promise<string[]> {
  const { kernel, busybox } = await system();
  using scratch = new Scratch();
  const initramfs = scratch.path("initramfs");
  {
    using archive = new CpioArchive(initramfs);
    for (const folder of ["/proc", "/sys", "/dev", "/tmp"]) archive.folder(folder);
    archive.copy("/bin/busybox", busybox);
    archive.copy("/ipcdump", executable);
    for (const library of WANTED) archive.copy(`/lib/${library}`, join(LIBRARIES, "lib", library));
    for (const name of programs) {
      const compiled = scratch.path(name);
      const source = join(import.meta.dir, `../programs/${name}.c`);
      await compilerSays(target, ["-O2", "-static", "-pthread", "-o", compiled, source]);
      archive.copy(`/programs/${name}`, compiled);
    }
    archive.file("/init", `${BEFORE}${script}\necho the end\nreboot -f\n`, 0o755);
  }
  const boot = () => run(kernel, initramfs);
  const first = await boot();
  // that a kernel does not come up is this machine's doing, not a test's
  const { lines, errors } = first.lines.includes("the beginning") ? first : await boot();
  if (!lines.includes("the end"))
    throw new Error(`the machine did not come to its end\n${errors}\n${lines.slice(-30).join("\n")}`);
  return lines;
}

async function run(kernel: string, initramfs: string): Promise<{ lines: string[]; errors: string }> {
  // one thread for both processors, as for the other VMs: with two it hung now and then as programs were attached
  const machine = Bun.spawn(
    [
      ...["qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-smp", "2", "-m", "1536"],
      ...["-kernel", kernel, "-initrd", initramfs, "-nodefaults", "-no-user-config", "-display", "none"],
      ...["-serial", "stdio", "-no-reboot", "-accel", "tcg,thread=single"],
      ...["-append", "console=ttyAMA0 quiet loglevel=0 panic=-1 mitigations=off cryptomgr.notests"],
    ],
    { stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: LIMIT_MS, killSignal: "SIGKILL" },
  );
  const [said, errors] = await Promise.all([machine.stdout.text(), machine.stderr.text()]);
  return { lines: said.split(/\r*\n/), errors };
}
