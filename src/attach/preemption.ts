/**
 * Whether the kernel can preempt a BPF program. That costs events: until the program goes on, the kernel skips it
 * for everybody else on that CPU. Trampolines (fentry) were always open to that, raw tracepoints are since 7.x;
 * kprobes and perf's tracepoints run with preemption off.
 */
import { existsSync, readFileSync } from "node:fs";
import { version } from "node:os";
import { typesContain } from "../../ffi/btf.ts";

export interface Preemption {
  /** of BPF programs; "unknown" where the kernel does not say */
  readonly programs: "preempted" | "safe" | "unknown";
  /** programs of raw tracepoints may be preempted, and there is perf's tracepoint to take instead */
  readonly wantsPerfTracepoints: boolean;
}

const mode = "/sys/kernel/debug/sched/preempt";
/** perf's tracepoints are attached by a number that only tracefs tells */
const tracepointFolders = ["/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"];
/** came with the SRCU that raw tracepoints are called under since 7.x, in place of preemption off */
const tracepointsAreSrcu = "\0class_srcu_fast_notrace_t\0";

/** Asks the kernel. */
export function preemption(): Preemption {
  let programs = said();
  if (programs === "safe") return { programs, wantsPerfTracepoints: false };
  const isSrcu = typesContain(tracepointsAreSrcu);
  // kernels that new have no other mode left: "sched: Further restrict the preemption modes"
  if (isSrcu) programs = "preempted";
  const hasEvents = tracepointFolders.some((folder) => existsSync(`${folder}/raw_syscalls`));
  return { programs, wantsPerfTracepoints: isSrcu && hasEvents };
}

function said(): Preemption["programs"] {
  try {
    return /\((full|lazy)\)/.test(readFileSync(mode, "utf8")) ? "preempted" : "safe";
  } catch {
    if (!/PREEMPT/.test(version())) return "safe";
    return wasTold() ? "preempted" : "unknown";
  }
}

/** Whether the boot loader told it; who changes that afterwards does it by debugfs. */
function wasTold(): boolean {
  try {
    return /(^|\s)preempt=(full|lazy)(\s|$)/.test(readFileSync("/proc/cmdline", "utf8"));
  } catch {
    return false;
  }
}
