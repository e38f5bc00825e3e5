/**
 * Builds everything: BPF programs, the layouts of their records, the bundled libbpf and the
 * executable. What is newer than its sources is left alone.
 *
 *   bun build.ts            dist/ipcdump
 *   bun build.ts --static   dist/ipcdump-static too, which needs no libc of the system
 *   bun build.ts --release  both for others in dist/release, with licences and checksums
 *   bun build.ts --check    fails when src/layout.ts is not what bpf/ says
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { bundle } from "./ffi/bundle/build.ts";
import { layout } from "./ffi/bundle/layout.ts";
import { release } from "./ffi/bundle/release.ts";
import { linkObjects, openLibbpf } from "./ffi/libbpf.ts";
import { staticParts } from "./ffi/static/build.ts";
import { graft } from "./ffi/static/graft.ts";
import manifest from "./package.json" with { type: "json" };

const root = import.meta.dir;
const dist = join(root, "dist");
const layoutFile = join(root, "src/layout.ts");
const objectFile = join(dist, "ipcdump.bpf.o");
const childFile = join(dist, "child.elf");
const dropFile = join(dist, "drop.bin");
const executable = join(dist, "ipcdump");
const staticExecutable = join(dist, "ipcdump-static");

const clangFlags = [
  ...["-g", "-O2", "-target", "bpf", "-mcpu=v3", "-D__TARGET_ARCH_x86"],
  // BPF_PROG and BPF_KPROBE give every program a ctx, used or not
  ...["-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"],
];

const freestandingFlags = [
  ...["-Os", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-asynchronous-unwind-tables"],
  ...["-s", "-Wl,--build-id=none,-z,noseparate-code", "-Wall", "-Wextra", "-Werror"],
];
const childFlags = [...freestandingFlags, "-static", "-no-pie"];
/** nothing but code, its entry first; ffi/capabilities.ts puts `given` where it is said to be here */
const dropFlags = [
  ...[...freestandingFlags, "-static-pie", "-fPIE"],
  "-Wl,--no-dynamic-linker,-Ttext=0,-e,drop,--defsym=given=0x800,--oformat=binary",
];

class BuildError extends Error {}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function run(command: string[], what: string): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: root, stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new BuildError(`${what} failed:\n${stderr.toString().trimEnd()}`);
}

/** Whether `target` was made from just these inputs; its stamp lies beside it. */
function isCurrent(target: string, key: string): boolean {
  const stamp = `${target}.key`;
  return existsSync(target) && existsSync(stamp) && readFileSync(stamp, "utf8") === key;
}

function keyOf(files: readonly string[], ...more: string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(file).update(readFileSync(file));
  return hash.update(JSON.stringify(more)).digest("hex");
}

function filesOf(folder: string, extension: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extension.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** bpf/*.bpf.c → dist/ipcdump.bpf.o */
function compilePrograms(headers: string, library: string): void {
  const sources = filesOf("bpf", /\.[ch]$/);
  const key = keyOf(sources, ...clangFlags, headers);
  if (isCurrent(objectFile, key)) return;
  say("compiling the BPF programs");
  const objects = sources
    .filter((source) => source.endsWith(".bpf.c"))
    .map((source) => {
      const object = join(dist, basename(source).replace(/\.c$/, ".o"));
      run(
        ["clang", ...clangFlags, `-I${headers}`, "-c", source, "-o", object],
        `compiling ${basename(source)}`,
      );
      return object;
    });
  linkObjects(openLibbpf(library), objectFile, objects);
  writeFileSync(`${objectFile}.key`, key);
}

/** dist/ipcdump.bpf.o → src/layout.ts; with `check` the file has to be there already */
function generateLayout(check: boolean): void {
  const made = layout(readFileSync(objectFile));
  if (existsSync(layoutFile) && readFileSync(layoutFile, "utf8") === made) return;
  if (check) throw new BuildError("src/layout.ts is not what bpf/*.h says; run: bun build.ts");
  writeFileSync(layoutFile, made);
  say("src/layout.ts changed; commit it with bpf/");
}

/** A program of ffi/ that needs no libraries, from C */
function compileFreestanding(name: string, target: string, flags: readonly string[]): void {
  const source = join(root, "ffi", name);
  const key = keyOf([source], ...flags);
  if (isCurrent(target, key)) return;
  run(["cc", ...flags, "-o", target, source], `compiling ${name}`);
  writeFileSync(`${target}.key`, key);
}

/** src/main.ts, the object and the child, into `outfile` by way of `options`; `versions` is what it has inside */
function compileExecutable(outfile: string, versions: string, options: readonly string[]): void {
  const bundled = Object.fromEntries(versions.split(", ").map((line) => line.split(" ")));
  run(
    [
      ...[process.execPath, "build", "--compile", "--minify-syntax", "--bytecode", "--format=esm"],
      // the folder it is started in has no say: a bunfig.toml there would run code as root
      ...["bunfig", "dotenv", "tsconfig", "package-json"].map((file) => `--no-compile-autoload-${file}`),
      ...["--define", `BUNDLE_VERSIONS=${JSON.stringify(bundled)}`, ...options],
      ...[join(root, "src/main.ts"), "--outfile", outfile],
    ],
    "bun build",
  );
}

/** What decides an executable, `more` besides */
function executableKey(more: readonly string[], versions: string): string {
  const inputs = [...filesOf("src", /\.ts$/), ...filesOf("ffi", /\.ts$/), objectFile, childFile, dropFile];
  inputs.push(join(root, "package.json"), join(root, "build.ts"), ...more);
  return keyOf(inputs, Bun.version, versions);
}

/** with libbpf → dist/ipcdump */
function buildExecutable(library: string, versions: string): void {
  const key = executableKey([library], versions);
  if (isCurrent(executable, key)) return;
  say("building dist/ipcdump");
  writeFileSync(join(dist, "libbpf.so"), readFileSync(library));
  compileExecutable(executable, versions, []);
  writeFileSync(`${executable}.key`, key);
}

/** with musl's Bun and the runtime → dist/ipcdump-static */
async function buildStatic(): Promise<void> {
  const { bun, runtime, versions } = await staticParts();
  const key = executableKey([bun, runtime], versions);
  if (isCurrent(staticExecutable, key)) return;
  say("building dist/ipcdump-static");
  const part = `${staticExecutable}.part`;
  const linked = ["--define", `LINKED_LIBBPF=${JSON.stringify("libbpf.so.1")}`];
  compileExecutable(part, versions, [`--compile-executable-path=${bun}`, ...linked]);
  writeFileSync(part, graft(readFileSync(part), readFileSync(runtime)));
  renameSync(part, staticExecutable);
  writeFileSync(`${staticExecutable}.key`, key);
}

async function main(words: readonly string[]): Promise<void> {
  const check = words.includes("--check");
  const forOthers = words.includes("--release");
  const known = ["--check", "--static", "--release"];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) {
    throw new BuildError(`build.ts does not know ${unknown}; it knows ${known.join(", ")}`);
  }
  const wanted = manifest.engines.bun;
  if (Bun.version !== wanted) {
    throw new BuildError(`this is Bun ${Bun.version}, package.json wants ${wanted}; run: npm ci`);
  }
  mkdirSync(dist, { recursive: true });
  const { library, headers, versions } = await bundle();
  compilePrograms(headers, library);
  compileFreestanding("child.c", childFile, childFlags);
  compileFreestanding("drop.c", dropFile, dropFlags);
  generateLayout(check);
  if (check) return;
  buildExecutable(library, versions);
  if (words.includes("--static") || forOthers) await buildStatic();
  if (forOthers) {
    await release(join(dist, "release"), root, manifest.version, [executable, staticExecutable]);
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  say(`build: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
