import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { boot } from "./boot.ts";
import { writeGuest } from "./guest.ts";
import { kernel, type Series } from "./kernels.ts";

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
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-vm-"));
  try {
    const token = crypto.randomUUID();
    const initramfs = join(folder, "initramfs");
    writeGuest(initramfs, {
      copies: new Map([
        ["/copy", null],
        ...copies.map((path) => [join("/copy", basename(path)), path] as const),
      ]),
      steps: [{ name: "exec", script: `cd /copy\n${script}`, limitSeconds }],
      token,
    });
    const result = await boot(await kernel(series), {
      initramfs,
      token,
      limitSeconds: limitSeconds + BOOT_LIMIT_SECONDS,
      onLine: (_step, line) => process.stdout.write(`${line}\n`),
    });
    for (const complaint of result.complaints) process.stderr.write(`kernel: ${complaint}\n`);
    if (result.failure) process.stderr.write(`${result.failure}\n`);
    return result.failure ? 1 : (result.steps[0]?.status ?? 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
