import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { expectMoved } from "../harness/expect.ts";
import { Ipcdump, STATIC } from "../harness/ipcdump.ts";
import { CAPABILITIES } from "../harness/privileges.ts";
import { programPath } from "../harness/programs.ts";
import { Trace } from "../harness/trace.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(3 * PATIENCE);

/** The executable and, beside it, a root for each case: it is large, so each has the same file by another name. */
let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-static-"));
  chmodSync(folder, 0o755);
  file = join(folder, "ipcdump");
  copyFileSync(STATIC, file);
  chmodSync(file, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A root with the executable, folders to mount on, and what else `more` puts there. */
function root(
  name: string,
  folders: readonly string[],
  more: Record<string, string | Uint8Array> = {},
): string {
  const path = join(folder, name);
  for (const one of ["sys", ...folders]) mkdirSync(join(path, one), { recursive: true });
  linkSync(file, join(path, "ipcdump"));
  for (const [to, contents] of Object.entries(more)) {
    mkdirSync(dirname(join(path, to)), { recursive: true });
    writeFileSync(join(path, to), contents, { mode: 0o755 });
  }
  return path;
}

/** The command that starts it in a root, /sys mounted there, after the shell commands `before`, in which $1 is the root. */
function inRoot(path: string, before = ":", namespaces = "-m"): string[] {
  const script = `mount --rbind /sys "$1/sys" && ${before} && cd "$1" && shift && exec chroot . /ipcdump "$@"`;
  return ["unshare", ...namespaces.split(" "), "sh", "-c", script, "sh", path];
}

/** Traces a pipe and compares the events, names and all. */
async function traces(command: string[]): Promise<void> {
  const trace = await Trace.startBy(command, "pipe");
  await expectMoved(trace, await run("pipe", "runs"));
  await trace.stop();
}

const readOnly = 'mount --bind "$1" "$1" && mount --rbind /sys "$1/sys" && mount -o remount,bind,ro "$1"';
const elf = "\x7fELF, not really";

describe("static: a root", () => {
  test("with nothing but the file and /sys", () => traces(inRoot(root("scratch", []))));

  test("that is read-only", () => traces(inRoot(root("read-only", []), readOnly)));

  test("that is read-only, with /proc", () =>
    traces(inRoot(root("read-only-proc", ["proc"]), `${readOnly} && mount --bind /proc "$1/proc"`)));

  test("where nothing in /tmp may be executed", () =>
    traces(
      inRoot(
        root("noexec", ["proc", "tmp"]),
        'mount --bind /proc "$1/proc" && mount -t tmpfs -o noexec tmpfs "$1/tmp"',
      ),
    ));

  test("of busybox", async () => {
    const busybox = await Bun.file(Bun.which("busybox") ?? "/bin/busybox").bytes();
    const path = root("busybox", ["proc"], { "bin/busybox": busybox });
    const script =
      'mount --bind /proc "$1/proc" && mount --rbind /sys "$1/sys" && cd "$1" && shift && exec chroot . "$@"';
    const shell = ["/bin/busybox", "sh", "-c", 'exec /ipcdump "$@"', "sh"];
    await traces(["unshare", "-m", "sh", "-c", script, "sh", path, ...shell]);
  });

  test("whose libraries are broken", () =>
    traces([
      ...["env", "LD_PRELOAD=/lib/libc.so", "LD_LIBRARY_PATH=/lib"],
      ...inRoot(
        root("broken", ["proc"], {
          "lib/ld-musl-x86_64.so.1": elf,
          "lib/libc.so": elf,
          "lib/libc.musl-x86_64.so.1": elf,
          "lib/libstdc++.so.6": elf,
          "lib/libbpf.so.1": elf,
          "lib64/ld-linux-x86-64.so.2": elf,
          "etc/ld-musl-x86_64.path": "/lib\n",
        }),
      ),
    ]));

  test("where memory files can't be executed", async () => {
    // kernels before 6.3 have no such switch; it goes by pid namespace, so ours stays as it is
    const set = "if [ -e /proc/sys/vm/memfd_noexec ]; then echo 2 >/proc/sys/vm/memfd_noexec; fi";
    using ipcdump = await Ipcdump.tracing(["-t", "pipe", "-f", "json", "--all-ns"], {
      command: inRoot(root("noexec-memory", []), set, "-m -p -f --kill-child"),
    });
    const truth = await run("pipe", "one");
    const event = await ipcdump.until("the event", () =>
      ipcdump.stdout
        .map((line) => JSON.parse(line))
        .find(({ meta }) => meta?.pipe_inode === [...truth.pipes.values()][0]?.inode),
    );
    expect(event).toMatchObject({ src_comm: "writer", dst_comm: "reader" });
  });
});

test("static: it has at most 115 MB", () => expect(statSync(STATIC).size).toBeLessThanOrEqual(115e6));

describe("static: with capabilities of its own", () => {
  /** it must not become Bun for whoever asks */
  const asksForBun = ["env", "BUN_BE_BUN=1"];
  let nobody: string;
  let own: string;

  beforeAll(async () => {
    nobody = await programPath("nobody");
    own = join(folder, "capable");
    copyFileSync(STATIC, own);
    chmodSync(own, 0o755);
    const numbers = Object.values(CAPABILITIES).map(String);
    const { exitCode } = Bun.spawnSync([await programPath("capable"), own, ...numbers], {
      stderr: "inherit",
    });
    expect(exitCode).toBe(0);
  });

  async function version(...command: string[]): Promise<string[]> {
    using ipcdump = new Ipcdump(["--version"], { command });
    await ipcdump.ended();
    return ipcdump.stdout;
  }

  test("it does not listen to the environment, whatever the case of its letters", async () => {
    const chatty = ["env", "mimalloc_verbose=1", "Mimalloc_Show_Stats=1"];
    using ipcdump = new Ipcdump(["--version"], { command: [...chatty, nobody, own] });
    expect(await ipcdump.ended()).toBe(0);
    expect(ipcdump.stderr).toEqual([]);
    expect(await version(...asksForBun, own)).toEqual([Bun.version]);
    expect(await version(...asksForBun, nobody, own)).toEqual([expect.stringMatching(/^ipcdump /)]);
  });

  test("it traces for everyone", () => traces([nobody, own]));
});
