import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const SOURCES = join(import.meta.dir, "../programs");
const COMPILED = join(import.meta.dir, "../../dist/programs");

/** In a test VM everything is some twenty times slower; there the programs come compiled. */
export const inVm = process.env.IPCDUMP_PROGRAMS !== undefined;

let ready: Promise<string> | undefined;

/** The path of a compiled workload program. Throws an Error with the compiler's words when it has none. */
export async function programPath(name: string): Promise<string> {
  ready ??= compileAll();
  return join(await ready, name);
}

async function compileAll(): Promise<string> {
  const given = process.env.IPCDUMP_PROGRAMS;
  if (given !== undefined) return given;
  mkdirSync(COMPILED, { recursive: true });
  const files = readdirSync(SOURCES);
  const headers = files.filter((file) => file.endsWith(".h")).map((file) => modified(join(SOURCES, file)));
  const stale = files.filter((file) => {
    if (!file.endsWith(".c")) return false;
    const output = join(COMPILED, file.slice(0, -2));
    return !existsSync(output) || modified(output) < Math.max(modified(join(SOURCES, file)), ...headers);
  });
  await Promise.all(stale.map(compile));
  return COMPILED;
}

function modified(path: string): number {
  return statSync(path).mtimeMs;
}

async function compile(file: string): Promise<void> {
  const output = join(COMPILED, file.slice(0, -2));
  const compiler = Bun.spawn(
    ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-pthread", "-o", output, join(SOURCES, file)],
    { stderr: "pipe" },
  );
  const words = await new Response(compiler.stderr).text();
  if ((await compiler.exited) !== 0) throw new Error(`cc can't compile test/programs/${file}:\n${words}`);
}
