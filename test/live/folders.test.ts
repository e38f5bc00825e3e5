import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import type { Truth } from "../harness/truth.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

const PIPE = ["-t", "pipe", "--backend", BACKEND, "-f", "json"];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-surroundings-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The one transfer of `pipe one`, as JSON lines show it. */
function eventOn(truth: Truth, lines: readonly string[]): Record<string, unknown> | undefined {
  const inode = truth.pipe("a").inode;
  return lines.map((line) => JSON.parse(line)).find((event) => event.meta?.pipe_inode === inode);
}

describe("cli folders", () => {
  test("a hostile folder has no effect", async () => {
    const cwd = join(folder, "hostile");
    const mark = join(cwd, "it-ran");
    mkdirSync(cwd);
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
    writeFileSync(
      join(cwd, "preload.ts"),
      `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "");\n`,
    );
    writeFileSync(
      join(cwd, ".env"),
      "BUN_OPTIONS=--preload=./preload.ts\nIPCDUMP_LIBBPF=./preload.ts\nNO_COLOR=\n",
    );
    writeFileSync(
      join(cwd, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: { paths: { "*": ["./preload.ts"] }, jsxImportSource: "./preload.ts" },
      }),
    );
    writeFileSync(
      join(cwd, "package.json"),
      JSON.stringify({
        name: "ipcdump",
        imports: { "#*": "./preload.ts" },
        scripts: { preinstall: `touch ${mark}` },
      }),
    );
    using ipcdump = await Ipcdump.tracing(PIPE, { cwd });
    const truth = await run("pipe", "one");
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
    expect(eventOn(truth, ipcdump.stdout)).toBeDefined();
    expect(existsSync(mark)).toBe(false);
  });

  test("a chroot with glibc, /proc and /sys is enough", async () => {
    const root = join(folder, "root");
    for (const name of ["proc", "sys", "lib64"]) mkdirSync(join(root, name), { recursive: true });
    copyFileSync(EXECUTABLE, join(root, "ipcdump"));
    chmodSync(join(root, "ipcdump"), 0o755);
    for (const library of glibc()) {
      const to = /^ld-/.test(basename(library)) ? "/lib64" : dirname(library);
      mkdirSync(join(root, to), { recursive: true });
      copyFileSync(library, join(root, to, basename(library)));
      chmodSync(join(root, to, basename(library)), 0o755);
    }
    const script =
      'mount --bind /proc "$1/proc" && mount --rbind /sys "$1/sys" && cd "$1" && shift && exec chroot . /ipcdump "$@"';
    using ipcdump = await Ipcdump.tracing(PIPE, {
      command: ["unshare", "-m", "sh", "-c", script, "sh", root],
    });
    const truth = await run("pipe", "one");
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
    expect(eventOn(truth, ipcdump.stdout)).toMatchObject({ src_comm: "writer", dst_comm: "reader" });
  });
});

/** The C library's files, of which this process, Bun, has the same ones loaded as ipcdump needs. */
function glibc(): string[] {
  const paths = readFileSync("/proc/self/maps", "utf8").matchAll(
    /\s(\/\S+\/(?:ld-linux|lib(?:c|m|dl|pthread)\.so)\S*)$/gm,
  );
  return [...new Set([...paths].map(([, path = ""]) => path))];
}
