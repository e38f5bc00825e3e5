/** The bench in a test VM, for the back ends that this kernel may not have. */
import { dirname, join } from "node:path";
import { programPath } from "../harness/programs.ts";
import { boot } from "../vm/boot.ts";
import { writeGuest } from "../vm/guest.ts";
import { kernel, type Series } from "../vm/kernels.ts";
import { projectFiles } from "../vm/matrix.ts";
import { Scratch } from "../vm/scratch.ts";
import { compileReference, LIBRARY, objectFile } from "./reference.ts";
import { isInstalled } from "./tracers.ts";

const ROOT = join(import.meta.dir, "../..");
const BACKENDS = ["fentry", "kprobe"];
const LIMIT_SECONDS = 3000;

/** Boots the kernel and runs the rows there, once a back end; 0 when it all ran. */
export async function inMachine(
  series: Series,
  rows: readonly string[],
  { quick, icount }: { quick: boolean; icount: boolean },
): Promise<number> {
  const programs = dirname(await programPath("traffic"));
  const reference = await compileReference();
  const options = [...(quick ? ["--quick"] : []), ...(icount ? ["--icount"] : [])];
  using scratch = new Scratch();
  const token = crypto.randomUUID();
  const initramfs = scratch.path("initramfs");
  writeGuest(initramfs, {
    copies: new Map([
      ["/usr/bin/bun", process.execPath],
      ["/project/dist/ipcdump", join(ROOT, "dist/ipcdump")],
      ["/project/dist/ipcdump.bpf.o", objectFile()],
      ["/project/dist/bench/libbpf.so.1", LIBRARY],
      ["/project/dist/bench/reference", reference],
      ...(isInstalled("bpftrace") ? [["/usr/bin/bpftrace", Bun.which("bpftrace")!] as const] : []),
      ["/project/programs", programs],
      ...projectFiles(["test/bench", "test/vm"]).map(
        (path) => [join("/project", path), join(ROOT, path)] as const,
      ),
    ]),
    steps: BACKENDS.map((backend) => ({
      name: backend,
      script: [
        "cd /project",
        "export IPCDUMP=/project/dist/ipcdump IPCDUMP_PROGRAMS=/project/programs",
        "export IPCDUMP_BENCH_DIST=/project/dist",
        `exec bun test/bench/run.ts --backend ${backend} ${options.join(" ")} ${rows.join(" ")} 2>&1`,
      ].join("\n"),
      limitSeconds: LIMIT_SECONDS,
    })),
    token,
  });
  const result = await boot(await kernel(series), {
    initramfs,
    token,
    countsInstructions: icount,
    limitSeconds: BACKENDS.length * LIMIT_SECONDS,
    onLine: (step, line) => process.stdout.write(`${step}: ${line}\n`),
  });
  if (result.failure) process.stderr.write(`${result.failure}\n`);
  return result.failure || result.steps.some(({ status }) => status !== 0) ? 1 : 0;
}
