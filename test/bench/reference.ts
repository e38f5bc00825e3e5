/** The C program that ipcdump is measured against, compiled and told which programs to run. */
import { copyFileSync, existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { kinds } from "../../src/kinds/index.ts";
import type { Bench } from "./bench.ts";
import type { Command } from "./tracer.ts";

const ROOT = join(import.meta.dir, "../..");
const DIST = process.env.IPCDUMP_BENCH_DIST ?? join(ROOT, "dist");
const SOURCE = join(import.meta.dir, "reference.c");
const PARTS = ["reference_print.h", "reference_state.h"].map((name) => join(import.meta.dir, name));
const COMPILED = join(DIST, "bench/reference");
export const LIBRARY = join(DIST, "bench/libbpf.so.1");

/** Compiles it unless it is there; in a VM it comes compiled. Throws an Error with the compiler's words. */
export async function compileReference(): Promise<string> {
  if (process.env.IPCDUMP_BENCH_DIST !== undefined) return COMPILED;
  const library = join(DIST, "libbpf.so");
  const newest = Math.max(...[SOURCE, ...PARTS, library].map(modified));
  if (existsSync(COMPILED) && modified(COMPILED) > newest) return COMPILED;
  mkdirSync(join(DIST, "bench"), { recursive: true });
  const words = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", `-I${join(ROOT, "bpf")}`, "-o", COMPILED];
  // under the name that the loader looks for, or it would take this system's
  copyFileSync(library, LIBRARY);
  const compiler = Bun.spawn([...words, SOURCE, LIBRARY, "-Wl,-rpath,$ORIGIN"], { stderr: "pipe" });
  const said = await compiler.stderr.text();
  if ((await compiler.exited) !== 0) throw new Error(`cc can't compile test/bench/reference.c:\n${said}`);
  return COMPILED;
}

function modified(path: string): number {
  return statSync(path).mtimeMs;
}

export type Form = "text" | "json" | "count";

/**
 * As `ipcdump -t KIND` on the same back end: the same object, the same programs, the same configuration.
 * @param isIdle with programs that are for no kind and leave at once: what attaching alone costs
 */
export async function reference(
  bench: Bench,
  kindName: string,
  form: Form,
  bytes: number,
  isIdle = false,
): Promise<Command> {
  const kind = kinds.find(({ name }) => name === kindName)!;
  const programs = await offered();
  const hooks = Object.entries(kind.hooks).filter(
    ([hook]) => kind.within?.[hook]?.includes(bench.backend) ?? true,
  );
  const words = hooks.flatMap(([hook, targets]) =>
    [`${hook}__${bench.backend}`, `${hook}__any`]
      .filter((program) => programs.includes(program))
      .map((program) => `${program}=${targets.join(",")}`),
  );
  return {
    name: "C reference",
    words: [
      await compileReference(),
      objectFile(),
      form,
      String(bytes),
      String(isIdle ? 0 : 1 << kind.id),
      "OUT",
      ...words,
    ],
    ready: "tracing",
  };
}

export function objectFile(): string {
  return join(DIST, "ipcdump.bpf.o");
}

let names: string[] | undefined;

async function offered(): Promise<string[]> {
  if (names === undefined) {
    const list = Bun.spawn([await compileReference(), objectFile()], { stdout: "pipe" });
    names = (await list.stdout.text()).trim().split("\n");
  }
  return names;
}
