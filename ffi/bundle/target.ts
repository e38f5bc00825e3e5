/** The processors that ipcdump is built for, and what builds it for them here. */
import { command } from "./command.ts";

export interface Target {
  /** As Bun calls it and `build.ts --target` takes it. */
  name: "x64" | "arm64";
  /** As `uname -m` says it, which is how released files are called. */
  machine: string;
  /** As libbpf's headers want it: `-D__TARGET_ARCH_…`. */
  bpf: string;
  /** The package of its Bun in the npm registry. */
  bun: "@oven/bun-linux-x64" | "@oven/bun-linux-aarch64";
  compiler: string;
  /** The Debian packages that bring the compiler. */
  from: string;
  /** Whether it is the processor of this machine. */
  isNative: boolean;
}

const targets = {
  x64: { machine: "x86_64", bpf: "x86", bun: "@oven/bun-linux-x64", triplet: "x86-64-linux-gnu" },
  arm64: { machine: "aarch64", bpf: "arm64", bun: "@oven/bun-linux-aarch64", triplet: "aarch64-linux-gnu" },
} as const;

export const targetNames = Object.keys(targets) as (keyof typeof targets)[];

/** @throws Error for a processor that ipcdump does not know */
export function targetOf(name: string): Target {
  const known = targetNames.find((each) => each === name);
  if (known === undefined) throw new Error(`no target ${name}; there are ${targetNames.join(" and ")}`);
  const { triplet, ...rest } = targets[known];
  const isNative = known === process.arch;
  const libc = `libc6-dev-${known === "x64" ? "amd64" : known}-cross`;
  return {
    name: known,
    ...rest,
    isNative,
    compiler: isNative ? "gcc" : `${triplet.replace("x86-64", "x86_64")}-gcc`,
    from: isNative ? "gcc libc6-dev" : `gcc-${triplet} ${libc}`,
  };
}

export const native = targetOf(process.arch);

/** What the target's compiler says; throws with the packages to install when there is none. */
export function compilerSays(target: Target, words: readonly string[]): Promise<string> {
  return command([target.compiler, ...words], { from: target.from });
}

/** The versions of the target's compiler and linker, which decide what they make. */
export async function compilerOf(target: Target): Promise<string> {
  return (await compilerSays(target, ["--version"])) + (await compilerSays(target, ["-Wl,--version"]));
}
