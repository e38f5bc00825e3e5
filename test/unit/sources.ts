/** What tests of the house itself read: our own files. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dir, "../..");

/** The TypeScript below a folder. */
export function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, file))
    .sort();
}

export function read(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** What a file says without its comments: they may name what they like. */
export function code(file: string): string {
  return read(file)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*$/gm, "");
}

/** all of it but the tests */
export const files = [...sources("src"), ...sources("ffi"), "build.ts"];
