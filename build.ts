/**
 * Builds everything: BPF programs, the layouts of their records, the bundled libbpf and the
 * executable. What is newer than its sources is left alone.
 *
 *   bun build.ts            dist/ipcdump
 *   bun build.ts --static   dist/ipcdump-static too, which needs no libc of the system
 *   bun build.ts --release  both for others in dist/release, with licences and checksums
 *   bun build.ts --check    fails when src/layout.ts is not what bpf/ says, for every processor
 *   bun build.ts --target arm64   dist/arm64/ipcdump, by a cross compiler; with --release into dist/release as well
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { type Bundle, bundle } from "./ffi/bundle/build.ts";
import { kindList, layout } from "./ffi/bundle/layout.ts";
import { release } from "./ffi/bundle/release.ts";
import { otherBun } from "./ffi/bundle/runtime.ts";
import { compilerSays, native, type Target, targetNames, targetOf } from "./ffi/bundle/target.ts";
import { Elf } from "./ffi/elf.ts";
import { linkObjects, openLibbpf } from "./ffi/libbpf.ts";
import { staticParts } from "./ffi/static/build.ts";
import { graft } from "./ffi/static/graft.ts";
import manifest from "./package.json" with { type: "json" };

const root = import.meta.dir;
const dist = join(root, "dist");
const layoutFile = join(root, "src/layout.ts");
const kindsFile = join(root, "src/kinds/index.ts");
const staticExecutable = join(dist, "ipcdump-static");

/** Where what is made for a processor goes: this machine's own into dist/, another's into a folder there. */
function outputOf(target: Target) {
  const folder = target.isNative ? dist : join(dist, target.name);
  const [object, child, drop] = ["ipcdump.bpf.o", "child.elf", "drop.bin"].map((name) => join(folder, name));
  return { target, folder, object: object!, child: child!, drop: drop!, executable: join(folder, "ipcdump") };
}

type Output = ReturnType<typeof outputOf>;

const clangFlags = [
  ...["-g", "-O2", "-target", "bpf", "-mcpu=v3"],
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
  "-Wl,--no-dynamic-linker,-Ttext=0,-e,drop,--defsym=given=0x800",
];

/** the first with __builtin_preserve_type_info */
const oldestClang = 12;

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

/** Throws where clang lacks what libbpf's CO-RE macros are made of. */
function checkClang(): void {
  if (Bun.which("clang") === null) throw new BuildError("clang is not installed\ntry: apt-get install clang");
  const said = Bun.spawnSync(["clang", "--version"]).stdout.toString();
  const major = Number(/version (\d+)/.exec(said)?.[1] ?? oldestClang);
  if (major < oldestClang)
    throw new BuildError(
      `clang ${major} is too old, ${oldestClang} is needed: build on Debian 12 or newer; what is built runs here too`,
    );
}

/** bpf/*.bpf.c → ipcdump.bpf.o, by the headers and the linker of this machine's own libbpf */
function compilePrograms({ target, folder, object: linked }: Output, { headers, library }: Bundle): void {
  const sources = filesOf("bpf", /\.[ch]$/);
  const flags = [...clangFlags, `-D__TARGET_ARCH_${target.bpf}`, `-I${headers}`];
  const key = keyOf(sources, ...flags);
  if (isCurrent(linked, key)) return;
  say(`compiling the BPF programs for ${target.name}`);
  checkClang();
  const objects = sources
    .filter((source) => source.endsWith(".bpf.c"))
    .map((source) => {
      const object = join(folder, basename(source).replace(/\.c$/, ".o"));
      run(["clang", ...flags, "-c", source, "-o", object], `compiling ${basename(source)}`);
      return object;
    });
  linkObjects(openLibbpf(library), linked, objects);
  writeFileSync(`${linked}.key`, key);
}

/** ipcdump.bpf.o → src/layout.ts and src/kinds/index.ts; with `check` they have to be there already */
function generateLayout({ object }: Output, check: boolean): void {
  const bytes = readFileSync(object);
  for (const [file, made] of [
    [layoutFile, layout(bytes)],
    [kindsFile, kindList(bytes)],
  ] as const) {
    if (existsSync(file) && readFileSync(file, "utf8") === made) continue;
    const name = relative(root, file);
    if (check) throw new BuildError(`${name} is not what bpf/*.h says; run: bun build.ts`);
    writeFileSync(file, made);
    say(`${name} changed; commit it with bpf/`);
  }
}

/** A program of ffi/ that needs no libraries, from C; of drop.c the code alone */
async function compileFreestanding(
  target: Target,
  name: string,
  made: string,
  flags: readonly string[],
): Promise<void> {
  const source = join(root, "ffi", name);
  const key = keyOf([source], target.compiler, ...flags);
  if (isCurrent(made, key)) return;
  await compilerSays(target, [...flags, "-o", made, source]);
  if (made.endsWith(".bin")) {
    const code = new Elf(readFileSync(made)).section(".text");
    if (code === null) throw new BuildError(`${name} made no code`);
    writeFileSync(made, code);
  }
  writeFileSync(`${made}.key`, key);
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
function executableKey({ object, child, drop }: Output, more: readonly string[], versions: string): string {
  const inputs = [...filesOf("src", /\.ts$/), ...filesOf("ffi", /\.ts$/), object, child, drop];
  inputs.push(join(root, "package.json"), join(root, "build.ts"), ...more);
  return keyOf(inputs, Bun.version, versions);
}

/** with libbpf → ipcdump */
async function buildExecutable(output: Output, library: string, versions: string): Promise<void> {
  const { target, folder, executable } = output;
  const key = executableKey(output, [library], versions);
  if (isCurrent(executable, key)) return;
  say(`building ${relative(root, executable)}`);
  writeFileSync(join(folder, "libbpf.so"), readFileSync(library));
  const foreign = async () => [
    `--target=bun-linux-${target.name}`,
    `--compile-executable-path=${await otherBun(target.bun)}`,
    `--conditions=${target.name}`, // package.json's `imports`: whose files are embedded
  ];
  compileExecutable(executable, versions, target.isNative ? [] : await foreign());
  writeFileSync(`${executable}.key`, key);
}

/** with musl's Bun and the runtime → dist/ipcdump-static */
async function buildStatic(output: Output): Promise<void> {
  const { bun, runtime, versions } = await staticParts();
  const key = executableKey(output, [bun, runtime], versions);
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
  const known = ["--check", "--static", "--release", "--target"];
  const at = words.indexOf("--target");
  const target = at < 0 ? native : targetOf(words[at + 1] ?? "");
  const unknown = words.find((word, i) => !known.includes(word) && !(at >= 0 && i === at + 1));
  if (unknown !== undefined) {
    throw new BuildError(`build.ts does not know ${unknown}; it knows ${known.join(", ")}`);
  }
  const isStatic = words.includes("--static");
  if (isStatic && target.name !== "x64") throw new BuildError("--static is made for x64 only");
  const wanted = manifest.engines.bun;
  if (Bun.version !== wanted) {
    throw new BuildError(`this is Bun ${Bun.version}, package.json wants ${wanted}; run: npm ci`);
  }
  const output = outputOf(target);
  mkdirSync(output.folder, { recursive: true });
  const here = await bundle();
  compilePrograms(output, here);
  await compileFreestanding(target, "child.c", output.child, childFlags);
  await compileFreestanding(target, "drop.c", output.drop, dropFlags);
  generateLayout(output, check || !target.isNative);
  if (check) {
    // programs need no cross compiler: that they are right for every processor is seen here already
    for (const other of targetNames.map((name) => outputOf(targetOf(name)))) {
      mkdirSync(other.folder, { recursive: true });
      compilePrograms(other, here);
      generateLayout(other, true);
    }
    return;
  }
  const { library, versions } = target.isNative ? here : await bundle(target);
  await buildExecutable(output, library, versions);
  if (isStatic || (forOthers && target.name === "x64")) await buildStatic(output);
  if (!forOthers) return;
  const files = [output.executable, ...(target.name === "x64" ? [staticExecutable] : [])];
  await release(join(dist, "release"), root, manifest.version, target, files);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  say(`build: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
