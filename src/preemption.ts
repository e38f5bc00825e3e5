/**
 * Whether the kernel can preempt a BPF program, and what that costs: until the program goes on, the
 * kernel skips it for whoever else comes by on that CPU. Trampolines (fentry) were always open to that, raw
 * tracepoints are since 7.x; kprobes and perf's tracepoints run with preemption off.
 */
import { existsSync, readFileSync } from "node:fs";

const mode = "/sys/kernel/debug/sched/preempt";
const kernelTypes = "/sys/kernel/btf/vmlinux";
/** perf's tracepoints are attached by a number that only tracefs tells */
const tracepointFolders = ["/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"];
/** came with the SRCU that raw tracepoints are called under since then, in place of preemption off */
const tracepointsAreSrcu = "\0class_srcu_fast_notrace_t\0";

/** Whether a BPF program can be preempted at all; assumed where it can't be read. */
export function canPreempt(): boolean {
  try {
    return /\((full|lazy)\)/.test(readFileSync(mode, "utf8"));
  } catch {
    return /PREEMPT/.test(readFileSync("/proc/version", "utf8"));
  }
}

/** Whether programs of raw tracepoints can be, and there is perf's tracepoint to take instead. */
export function wantsPerfTracepoints(): boolean {
  if (!canPreempt() || !existsSync(kernelTypes)) return false;
  if (!tracepointFolders.some((folder) => existsSync(`${folder}/raw_syscalls`))) return false;
  return readFileSync(kernelTypes).includes(tracepointsAreSrcu);
}
