import { mkdirSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "./cache.ts";
import { compilerSays, native, type Target } from "./target.ts";

const flags = [
  ...["-c", "-O2", "-fPIC", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections"],
  // libelf's last error is the one thread-local; this model spares the import from ld.so.
  "-ftls-model=initial-exec",
  // Others' warnings are not ours to fix; but a function nobody declares would return half a pointer.
  ...["-w", "-Werror=implicit-function-declaration"],
];

/** Compiles each file into a folder, as many at once as there are cores, and returns the objects. */
export async function compile(
  folder: string,
  files: string[],
  more: string[],
  target: Target = native,
): Promise<string[]> {
  mkdirSync(folder);
  const objects = files.map((file, at) => ({ file, object: join(folder, `${at}.o`) }));
  const waiting = [...objects];
  // Assertions name their file: without the folder of the machine that built it.
  const map = `-ffile-prefix-map=${cacheFolder("sources")}/=`;
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await compilerSays(target, [...flags, map, ...more, "-o", next.object, next.file]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return objects.map(({ object }) => object);
}

/** The C files of a folder, in an order that is the same everywhere. */
export function sourcesIn(folder: string): string[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".c"));
  return files.sort().map((file) => join(folder, file));
}

/** The folders as options for gcc. */
export function includes(...folders: string[]): string[] {
  return folders.flatMap((folder) => ["-I", folder]);
}
