import { mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { command } from "../../ffi/bundle/command.ts";

/** Compiles the workloads of test/programs, statically, because guests have few libraries. */
export async function compilePrograms(source: string, into: string): Promise<void> {
  mkdirSync(into, { recursive: true });
  const files = readdirSync(source).filter((file) => file.endsWith(".c"));
  for (const file of files) {
    const output = join(into, basename(file, ".c"));
    await command(["cc", "-O1", "-static", "-pthread", "-o", output, join(source, file)], {
      from: "gcc libc6-dev",
    });
  }
}
