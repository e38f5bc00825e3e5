import { accessSync, constants, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { CpioArchive } from "./cpio.ts";

/**
 * Programs taken from the host as they are, because busybox's own applets run as `exe` when its shell starts
 * them, and event tests read process names. Everything else in the guest is a busybox applet.
 */
const REAL_PROGRAMS = "cat dd echo false head mkfifo seq sh sleep tail tee true unshare wc yes".split(" ");

/** One thing to run in the guest: a shell command and how long it may take there. */
export interface Step {
  name: string;
  script: string;
  limitSeconds: number;
}

export interface Guest {
  /** A file or folder on the host, by where it goes in the guest; null makes an empty folder. */
  copies: ReadonlyMap<string, string | null>;
  steps: readonly Step[];
  /** Starts every line that /init itself writes. */
  token: string;
}

/**
 * Writes the initramfs of a test VM to `path`: busybox, a few real programs, what is to be copied together with
 * the libraries it is linked to, and the steps for /init.
 * Throws an Error with the remedy when the host has no static busybox.
 */
export function writeGuest(path: string, { copies, steps, token }: Guest): void {
  using archive = new CpioArchive(path);
  for (const folder of ["/proc", "/sys", "/dev", "/tmp", "/root", "/run", "/etc"]) archive.folder(folder);
  archive.copy("/init", join(import.meta.dir, "init"));
  archive.file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n");
  archive.file("/etc/group", "root:x:0:\n");

  archive.copy("/bin/busybox", staticBusybox());
  for (const name of REAL_PROGRAMS) addProgram(archive, `/usr/bin/${name}`, which(name));
  archive.link("/bin/sh", "/usr/bin/sh");
  for (const applet of busyboxApplets()) archive.link(`/bin/${applet}`, "/bin/busybox");

  for (const [to, from] of copies) {
    if (from === null) archive.folder(to);
    else addTree(archive, to, resolve(from));
  }

  archive.file("/job/token", `${token}\n`);
  archive.file("/job/steps", steps.map(({ name, limitSeconds }) => `${limitSeconds} ${name}\n`).join(""));
  for (const { name, script } of steps) archive.file(`/job/${name}.sh`, `${script}\n`);
}

function addTree(archive: CpioArchive, to: string, from: string): void {
  const { mode } = statSync(from);
  if (statSync(from).isDirectory()) {
    archive.folder(to);
    for (const name of readdirSync(from)) addTree(archive, join(to, name), join(from, name));
  } else if (mode & 0o111) {
    addProgram(archive, to, from);
  } else {
    archive.copy(to, from, mode & 0o777);
  }
}

function addProgram(archive: CpioArchive, to: string, from: string): void {
  archive.copy(to, from, statSync(from).mode & 0o777);
  for (const library of libraries(from)) archive.copy(library, library);
}

const ELF_MAGIC = "\x7fELF";

/** What the loader would map for a dynamically linked program, itself included. */
function libraries(program: string): string[] {
  if (readFileSync(program).subarray(0, 4).toString("latin1") !== ELF_MAGIC) return [];
  // Fails for a static program, which is an answer: it needs nothing.
  const { stdout } = Bun.spawnSync(["ldd", program], { stderr: "ignore" });
  return [...stdout.toString().matchAll(/(?:^|=>)\s*(\/\S+) \(0x/gm)].map((match) => match[1]!);
}

function staticBusybox(): string {
  const busybox = Bun.which("busybox");
  if (!busybox || libraries(busybox).length > 0) {
    throw new Error(
      "no statically linked busybox, which test VMs have as their system; " +
        "try: apt-get install -y --no-install-recommends busybox-static",
    );
  }
  return busybox;
}

function busyboxApplets(): string[] {
  const { stdout } = Bun.spawnSync(["busybox", "--list"]);
  return stdout
    .toString()
    .trim()
    .split("\n")
    .map((applet) => basename(applet));
}

function which(name: string): string {
  const path = Bun.which(name);
  if (!path) throw new Error(`${name} is not in PATH; test VMs take it from this system`);
  accessSync(path, constants.R_OK);
  return path;
}
