import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../ffi/bundle/command.ts";
import { PATIENCE } from "../harness/condition.ts";
import { expectMoved } from "../harness/expect.ts";
import { Ipcdump, PLAIN, STATIC } from "../harness/ipcdump.ts";
import { inside, unpacked, user } from "../harness/roots.ts";
import { Trace } from "../harness/trace.ts";
import { run } from "../harness/workload.ts";

// a root that is not in the cache yet has to be fetched
setDefaultTimeout(5 * PATIENCE);

const PROJECT = join(import.meta.dir, "../..");

/** Traces a pipe and compares the events, names and all. */
async function traces(command: string[]): Promise<void> {
  const trace = await Trace.startBy(command, "pipe");
  await expectMoved(trace, await run("pipe", "runs"));
  await trace.stop();
}

for (const version of [11, 12, 13] as const) {
  describe(`roots: Debian ${version}`, () => {
    test("is what it says", async () => {
      const root = await unpacked(`debian-${version}`);
      expect(readFileSync(join(root, "etc/debian_version"), "utf8")).toStartWith(`${version}.`);
    });

    test("with dist/ipcdump", async () => traces(inside(await unpacked(`debian-${version}`), PLAIN)));

    test("with dist/ipcdump-static", async () => traces(inside(await unpacked(`debian-${version}`), STATIC)));
  });
}

describe("roots: musl", () => {
  test("with dist/ipcdump-static", async () => traces(inside(await unpacked("musl"), STATIC)));

  test("dist/ipcdump has no loader there", async () => {
    using ipcdump = new Ipcdump(["--version"], { command: inside(await unpacked("musl"), PLAIN) });
    expect(await ipcdump.ended()).toBe(127);
    expect(ipcdump.stderr.join()).toEndWith("/ipcdump: not found");
  });
});

describe("roots: installed as the README says", () => {
  const release = join(PROJECT, "dist/release");
  const readme = readFileSync(join(PROJECT, "README.md"), "utf8");
  const commands = /^## Install\n.*?^```sh\n(.*?)^```/ms.exec(readme)![1]!;

  beforeAll(() => {
    const { exitCode } = Bun.spawnSync([process.execPath, join(PROJECT, "build.ts"), "--release"], {
      stderr: "inherit",
    });
    expect(exitCode).toBe(0);
  });

  test.each(["debian-11", "debian-13", "musl"] as const)("in %s", async (name) => {
    const script = commands.trim().split("\n").join(" && ");
    const child = Bun.spawn(user(await unpacked(name), release, script), { stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr, status] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    expect([stderr, status]).toEqual(["", 0]);
    expect(stdout).toMatch(/^ipcdump-static-[\d.]+-linux-x86_64: OK$/m);
    expect(stdout).toMatch(/^ {2}ok {2}pipe /m);
  });
});

test("roots: dist/ipcdump wants no glibc newer than 2.28", async () => {
  const symbols = await command(["readelf", "-W", "--dyn-syms", PLAIN]);
  const minor = [...symbols.matchAll(/@GLIBC_2\.(\d+)/g)].map(([, number]) => Number(number));
  expect(minor.length).toBeGreaterThan(0);
  expect(Math.max(...minor)).toBeLessThanOrEqual(28);
});

describe("roots: where memory files can't be executed", () => {
  // kernels before 6.3 have no such switch; it goes by pid namespace, so ours stays as it is
  const set = 'mount -t proc proc "$1/proc" && echo 2 >"$1/proc/sys/vm/memfd_noexec"';

  for (const [name, executable] of [
    ["dist/ipcdump", PLAIN],
    ["dist/ipcdump-static", STATIC],
  ] as const) {
    test(`with ${name}`, async () => {
      const command = inside(await unpacked("debian-13"), executable, set, "-m -p -f --kill-child");
      using ipcdump = await Ipcdump.tracing(["-t", "pipe", "-f", "json", "--all-ns"], { command });
      const truth = await run("pipe", "one");
      const event = await ipcdump.until("the event", () =>
        ipcdump.stdout
          .map((line) => JSON.parse(line))
          .find(({ meta }) => meta?.pipe_inode === [...truth.pipes.values()][0]?.inode),
      );
      expect(event).toMatchObject({ src_comm: "writer", dst_comm: "reader" });
    });
  }

  test("dist/ipcdump-static runs a command all the same", async () => {
    const command = inside(await unpacked("debian-13"), STATIC, set, "-m -p -f --kill-child");
    const words = ["-t", "pipe", "-f", "json", "--", "busybox", "sh", "-c"].concat(
      "echo $LD_ANY | busybox cat; exit 7",
    );
    using ipcdump = new Ipcdump(words, { command, env: { ...process.env, LD_ANY: "kept" } });
    expect(await ipcdump.ended()).toBe(7);
    expect(ipcdump.stderr).toContain("kept");
    const events = ipcdump.stdout.map((line) => JSON.parse(line));
    expect(events).toMatchObject([{ type: "pipe", src_comm: "busybox", meta: { count: 5 } }]);
  });
});
