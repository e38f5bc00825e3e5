import { basename, join } from "node:path";
import { boot } from "./boot.ts";
import { writeGuest } from "./guest.ts";
import { kernel, type Series } from "./kernels.ts";
import { Scratch } from "./scratch.ts";

/** Beyond the command's own limit: what kernel and /init may take around it. */
const BOOT_LIMIT_SECONDS = 150;

/**
 * Boots one kernel and runs one shell command in it, in /copy, where the host's `copies` lie (with the libraries
 * they are linked to). Its output goes to stdout as it comes, kernel complaints to stderr.
 * Returns the command's exit status: 137 when it took longer than the limit, 1 when the boot failed.
 */
export async function execute(
  series: Series,
  script: string,
  copies: readonly string[],
  limitSeconds: number,
  parameters: readonly string[],
): Promise<number> {
  using scratch = new Scratch();
  const token = crypto.randomUUID();
  const initramfs = scratch.path("initramfs");
  const wanted = copies.map((path) => [join("/copy", basename(path)), path] as const);
  writeGuest(initramfs, {
    copies: new Map([["/copy", null], ...wanted]),
    steps: [{ name: "exec", script: `cd /copy\n${script}`, limitSeconds }],
    token,
  });
  const result = await boot(await kernel(series), {
    initramfs,
    token,
    limitSeconds: limitSeconds + BOOT_LIMIT_SECONDS,
    parameters,
    onLine: (_step, line) => process.stdout.write(`${line}\n`),
  });
  for (const complaint of result.complaints) process.stderr.write(`kernel: ${complaint}\n`);
  if (result.failure) process.stderr.write(`${result.failure}\n`);
  return result.failure ? 1 : (result.steps[0]?.status ?? 1);
}
