/**
 * Builds everything: BPF programs, the layouts of their records, the bundled libbpf and the
 * executable. What was made of the same sources by the same compilers is left alone; whatever is made is made in a
 * room of its own and renamed when it is whole, so a build may be killed at any time.
 *
 *   bun build.ts            dist/ipcdump
 *   bun build.ts --static   dist/ipcdump-static too, which needs no libc of the system
 *   bun build.ts --release  both for others in dist/release, with licences and checksums
 *   bun build.ts --check    fails when src/layout.ts is not what bpf/ says, for every processor
 *   bun build.ts --target arm64   dist/arm64/ipcdump, by a cross compiler; with --release into dist/release as well
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { basename, join, relative } from "node:path";
import { type Bundle, bundle } from "./ffi/bundle/build.ts";
import { cacheFolder } from "./ffi/bundle/cache.ts";
import { base, graft, precede, sharedAt } from "./ffi/bundle/graft.ts";
import { kindList, layout } from "./ffi/bundle/layout.ts";
import { Lock } from "./ffi/bundle/lock.ts";
import { release } from "./ffi/bundle/release.ts";
import { clearBelow, Room } from "./ffi/bundle/room.ts";
import { otherBun } from "./ffi/bundle/runtime.ts";
import { isCurrent, keyOf, place } from "./ffi/bundle/stamp.ts";
import { compilerOf, compilerSays, native, type Target, targetNames, targetOf } from "./ffi/bundle/target.ts";
import { Elf } from "./ffi/elf.ts";
import { linkObjects, openLibbpf } from "./ffi/libbpf.ts";
import { staticParts } from "./ffi/static/build.ts";
import manifest from "./package.json" with { type: "json" };

const root = import.meta.dir;
const dist = join(root, "dist");
const layoutFile = join(root, "src/layout.ts");
const kindsFile = join(root, "src/kinds/index.ts");
const staticExecutable = join(dist, "ipcdump-static");

/** Where what is made for a processor goes: this machine's own into dist/, another's into a folder there. */
function outputOf(target: Target) {
  const folder = target.isNative ? dist : join(dist, target.name);
  const file = (name: string) => join(folder, name);
  return {
    ...{ target, folder, object: file("ipcdump.bpf.o"), executable: file("ipcdump") },
    ...{ child: file("child.elf"), begin: file("begin.elf"), drop: file("drop.bin") },
  };
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
/** behind all of Bun, which is some 110 MB */
const beginFlags = [...childFlags, "-Wl,-Ttext-segment=0x10000000,-z,max-page-size=0x10000"];
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

function run(command: string[], what: string, cwd = root): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd, stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new BuildError(`${what} failed:\n${stderr.toString().trimEnd()}`);
}

function filesOf(folder: string, extension: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extension.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** What clang says of its version; throws where it lacks what libbpf's CO-RE macros are made of. */
function clangVersion(): string {
  if (Bun.which("clang") === null) throw new BuildError("clang is not installed\ntry: apt-get install clang");
  const said = Bun.spawnSync(["clang", "--version"]).stdout.toString();
  const major = Number(/version (\d+)/.exec(said)?.[1] ?? oldestClang);
  if (major < oldestClang)
    throw new BuildError(
      `clang ${major} is too old, ${oldestClang} is needed: build on Debian 12 or newer; what is built runs here too`,
    );
  return said;
}

/** bpf/*.bpf.c → ipcdump.bpf.o, by the headers and the linker of this machine's own libbpf */
function compilePrograms(
  { target, object: linked }: Output,
  { headers, library }: Bundle,
  room: string,
): void {
  const sources = filesOf("bpf", /\.[ch]$/);
  const flags = [...clangFlags, `-D__TARGET_ARCH_${target.bpf}`, `-I${headers}`];
  const key = keyOf(sources, clangVersion(), ...flags);
  if (isCurrent(linked, key)) return;
  say(`compiling the BPF programs for ${target.name}`);
  const objects = sources
    .filter((source) => source.endsWith(".bpf.c"))
    .map((source) => {
      const object = join(room, basename(source).replace(/\.c$/, ".o"));
      run(["clang", ...flags, "-c", source, "-o", object], `compiling ${basename(source)}`);
      return object;
    });
  const made = join(room, basename(linked));
  linkObjects(openLibbpf(library), made, objects);
  place(room, made, linked, key);
}

/** ipcdump.bpf.o → src/layout.ts and src/kinds/index.ts; with `check` they have to be there already */
function generateLayout({ object }: Output, room: string, check: boolean): void {
  const bytes = readFileSync(object);
  for (const [file, made] of [
    [layoutFile, layout(bytes)],
    [kindsFile, kindList(bytes)],
  ] as const) {
    if (existsSync(file) && readFileSync(file, "utf8") === made) continue;
    const name = relative(root, file);
    if (check) throw new BuildError(`${name} is not what bpf/*.h says; run: bun build.ts`);
    const part = join(room, basename(file));
    writeFileSync(part, made);
    renameSync(part, file);
    say(`${name} changed; commit it with bpf/`);
  }
}

/** A program of ffi/ that needs no libraries, from C; of drop.c the code alone */
async function compileFreestanding(
  { target }: Output,
  name: string,
  program: string,
  flags: readonly string[],
  room: string,
): Promise<void> {
  const source = join(root, "ffi", name);
  const sources = [source, ...filesOf("ffi", /\.h$/), join(root, "ffi/child.c")];
  const key = keyOf(sources, await compilerOf(target), ...flags);
  if (isCurrent(program, key)) return;
  const made = join(room, basename(program));
  await compilerSays(target, [...flags, "-o", made, source]);
  if (program.endsWith(".bin")) {
    const code = new Elf(readFileSync(made)).section(".text");
    if (code === null) throw new BuildError(`${name} made no code`);
    writeFileSync(made, code);
  }
  place(room, made, program, key);
}

/** src/main.ts, the object and the child, by way of `options`; `versions` is what the executable has inside */
function compileExecutable(
  room: string,
  name: string,
  versions: string,
  shared: number,
  options: readonly string[],
): string {
  const outfile = join(room, name);
  const bundled = Object.fromEntries(versions.split(", ").map((line) => line.split(" ")));
  run(
    [
      ...[process.execPath, "build", "--compile", "--minify-syntax", "--bytecode", "--format=esm"],
      // the folder it is started in has no say: a bunfig.toml there would run code as root
      ...["bunfig", "dotenv", "tsconfig", "package-json"].map((file) => `--no-compile-autoload-${file}`),
      ...["--define", `BUNDLE_VERSIONS=${JSON.stringify(bundled)}`, "--define", `SHARED_AT=${shared}`],
      ...options,
      ...[join(root, "src/main.ts"), "--outfile", outfile],
    ],
    "bun build",
    // where Bun puts parts of its own
    room,
  );
  return outfile;
}

/** What decides an executable, `more` besides */
function executableKey(
  { object, child, begin, drop }: Output,
  more: readonly string[],
  versions: string,
): string {
  const inputs = [...filesOf("src", /\.ts$/), ...filesOf("ffi", /\.ts$/), object, child, begin, drop];
  inputs.push(join(root, "package.json"), join(root, "build.ts"), ...more);
  return keyOf(inputs, Bun.version, versions);
}

/** with libbpf → ipcdump */
async function buildExecutable(
  output: Output,
  library: string,
  versions: string,
  room: string,
): Promise<void> {
  const { target, folder, begin, executable } = output;
  const key = executableKey(output, [library], versions);
  if (isCurrent(executable, key)) return;
  say(`building ${relative(root, executable)}`);
  const embedded = join(room, "libbpf.so");
  copyFileSync(library, embedded);
  renameSync(embedded, join(folder, "libbpf.so"));
  const foreign = async () => [
    `--target=bun-linux-${target.name}`,
    `--compile-executable-path=${await otherBun(target.bun)}`,
    `--conditions=${target.name}`, // package.json's `imports`: whose files are embedded
  ];
  const options = target.isNative ? [] : await foreign();
  const before = readFileSync(begin);
  const made = compileExecutable(room, "ipcdump", versions, sharedAt(before, 0), options);
  writeFileSync(made, precede(readFileSync(made), before));
  place(room, made, executable, key);
}

/** with musl's Bun and the runtime → dist/ipcdump-static */
async function buildStatic(output: Output, room: string): Promise<void> {
  const { bun, runtime, versions } = await staticParts();
  const key = executableKey(output, [bun, runtime], versions);
  if (isCurrent(staticExecutable, key)) return;
  say("building dist/ipcdump-static");
  const linked = ["--define", `LINKED_LIBBPF=${JSON.stringify("libbpf.so.1")}`];
  const options = [`--compile-executable-path=${bun}`, ...linked];
  const before = readFileSync(runtime);
  const made = compileExecutable(room, "ipcdump-static", versions, sharedAt(before, base), options);
  writeFileSync(made, graft(readFileSync(made), before));
  place(room, made, staticExecutable, key);
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
  // of several builds in a checkout one works; the others wait, and find what it made
  using _lock = await Lock.of(dist);
  using work = new Room(dist);
  const room = work.path;
  clearBelow(cacheFolder());
  const here = await bundle();
  compilePrograms(output, here, room);
  await compileFreestanding(output, "child.c", output.child, childFlags, room);
  await compileFreestanding(output, "begin.c", output.begin, beginFlags, room);
  await compileFreestanding(output, "drop.c", output.drop, dropFlags, room);
  generateLayout(output, room, check || !target.isNative);
  if (check) {
    // programs need no cross compiler: that they are right for every processor is seen here already
    for (const other of targetNames.map((name) => outputOf(targetOf(name)))) {
      mkdirSync(other.folder, { recursive: true });
      compilePrograms(other, here, room);
      generateLayout(other, room, true);
    }
    return;
  }
  const { library, versions } = target.isNative ? here : await bundle(target);
  await buildExecutable(output, library, versions, room);
  if (isStatic || (forOthers && target.name === "x64")) await buildStatic(output, room);
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
