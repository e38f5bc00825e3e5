/** The tracers that are compared, as commands. */
import { join } from "node:path";
import { EXECUTABLE } from "../harness/ipcdump.ts";
import type { Bench } from "./bench.ts";
import type { Command } from "./tracer.ts";

export function ipcdump(bench: Bench, kinds: string, words: readonly string[], output = "OUT"): Command {
  return {
    name: "ipcdump",
    words: [EXECUTABLE, "--backend", bench.backend, "-t", kinds, "-o", output, ...words],
    ready: "tracing ",
  };
}

/** In this namespace nobody has that pid: every event is unwanted. */
export const LETS_NOTHING_THROUGH = ["-p", "4194303"];

/** read(2) and write(2) of the workload, one line each; it starts what it traces. */
export function strace(output: string): readonly string[] {
  return ["strace", "-f", "-e", "trace=read,write", "-o", output, "--"];
}

const script = `tracepoint:syscalls:sys_exit_write,tracepoint:syscalls:sys_exit_read
/comm == "traffic" || comm == "traffic-far"/
{ printf("%llu %s %s(%d) ret %d\\n", nsecs, probe, comm, pid, args->ret); }`;

export function bpftrace(): Command {
  return {
    name: "bpftrace",
    words: ["bpftrace", "-o", "OUT", "-e", `BEGIN { printf("ready\\n"); } ${script}`],
    // 16 MiB, as ipcdump has
    env: { BPFTRACE_PERF_RB_PAGES: "4096" },
    ready: "Attaching",
  };
}

/** The same, which says on stderr that it traces once it does, and not before. */
export const bpftraceStart: readonly string[] = [
  "sh",
  "-c",
  'exec bpftrace -B line -e "$1" >&2',
  "sh",
  `BEGIN { printf("ready\\n"); } ${script}`,
];

/** Whether a program is here to be compared with. */
export function isInstalled(program: string): boolean {
  return Bun.which(program) !== null;
}

export function scratchFile(bench: Bench, name: string): string {
  return join(bench.folder, `ipcdump-bench-${process.pid}.${name}`);
}
