/** What tracing needs of whoever starts it. */
import { readFileSync } from "node:fs";
import { Failure } from "./failure.ts";
import { printable } from "./format/escape.ts";
import { log } from "./log.ts";

const capabilities = { CAP_SYS_PTRACE: 19, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const;
/** without the first two there is no tracing, without the last one no look at other users' processes */
const wanted = ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"] as const;

function effective(): bigint | null {
  try {
    const line = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"));
    return line === null ? null : BigInt(`0x${line[1]}`);
  } catch {
    return null;
  }
}

/** Of the capabilities that tracing needs those that this process lacks. */
export function missingCapabilities(): string[] {
  const mask = effective();
  if (mask === null) return []; // no /proc: the kernel will say so itself
  const has = (name: keyof typeof capabilities) => ((mask >> BigInt(capabilities[name])) & 1n) === 1n;
  // older than the first two, and stands for them
  return wanted.filter((name) => !has(name) && (name === "CAP_SYS_PTRACE" || !has("CAP_SYS_ADMIN")));
}

/**
 * @throws Failure when this process may not trace, naming what it lacks; `words` are the command line, for the
 * remedy
 */
export function requirePrivileges(words: readonly string[]): void {
  const missing = missingCapabilities();
  if (missing.length === 0) return;
  if (missing.join() === "CAP_SYS_PTRACE") {
    log.warn("without CAP_SYS_PTRACE: sockets and terminals never seen in use have no names");
    return;
  }
  const again = ["sudo ipcdump", ...words.map(printable)].join(" ");
  if (missing.length === wanted.length)
    throw new Failure(`tracing needs root (or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE); try: ${again}`);
  throw new Failure(`tracing needs ${missing.join(" and ")} as well; try: ${again}`);
}
