import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { otherBun } from "../../ffi/bundle/runtime.ts";
import manifest from "../../package.json" with { type: "json" };
import { LIBRARIES } from "./machine.ts";

/** An emulated processor is some twenty times slower, more when all cores are taken. */
const PATIENCE_MS = 600_000;
setDefaultTimeout(PATIENCE_MS);

const ROOT = join(import.meta.dir, "../..");
const EXECUTABLE = join(ROOT, "dist/arm64/ipcdump");

/** What a program for arm64 says, run by QEMU on the system calls of this kernel. */
async function emulated(words: readonly string[]) {
  const qemu = Bun.which("qemu-aarch64-static");
  if (qemu === null)
    throw new Error("no qemu-aarch64-static; try: apt-get install --no-install-recommends qemu-user-static");
  if (!existsSync(EXECUTABLE)) throw new Error("no dist/arm64/ipcdump; bun build.ts --target arm64 makes it");
  const child = Bun.spawn([qemu, "-L", LIBRARIES, ...words], { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, status };
}

test("arm64: it says what is inside", async () => {
  const { stdout, stderr, status } = await emulated([EXECUTABLE, "--version", "-v"]);
  expect([stderr, status]).toEqual(["", 0]);
  expect(stdout).toStartWith(`ipcdump ${manifest.version}\nbun ${Bun.version}\nlibbpf `);
});

test("arm64: help", async () => {
  const here = Bun.spawnSync([join(ROOT, "dist/ipcdump"), "--help"]).stdout.toString();
  expect(await emulated([EXECUTABLE, "--help"])).toEqual({ stdout: here, stderr: "", status: 0 });
});

// QEMU passes no bpf(2) on, so this is as far as it goes: libbpf is there and has read the object
test("arm64: its libbpf opens its programs", async () => {
  const { stderr, status } = await emulated([EXECUTABLE, "-t", "pipe", "-vv", "--backend", "tracepoint"]);
  expect(stderr).toContain("libbpf: object 'ipcdump'");
  expect(stderr).toContain("ENOSYS");
  expect(status).toBe(1);
});

test("arm64: canned records are decoded, filtered and formatted as here", async () => {
  const bun = await otherBun("@oven/bun-linux-aarch64");
  const files = ["decode", "format", "csv", "names", "filter", "layout", "summary"];
  // these start other programs, which only a kernel with binfmt_misc would run
  const but = "^(?!time zones)";
  const { stderr, status } = await emulated([
    ...[bun, "test", "--timeout", String(PATIENCE_MS), "-t", but],
    ...files.map((file) => `test/unit/${file}.test.ts`),
  ]);
  expect(stderr).toMatch(/\n *[1-9]\d* pass\n/);
  expect(stderr).toMatch(/\n 0 fail\n/);
  expect(status).toBe(0);
});
