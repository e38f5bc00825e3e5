/** What tracing needs of whoever starts it. */
import { readFileSync } from "node:fs";
import { Failure } from "./failure.ts";
import { printable } from "./format/escape.ts";

const capabilities = { CAP_SYS_PTRACE: 19, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const;

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
  if (has("CAP_SYS_ADMIN")) return [];
  return (["CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"] as const).filter((name) => !has(name));
}

/** @throws Failure when this process may not trace; `words` are the command line, for the remedy */
export function requirePrivileges(words: readonly string[]): void {
  if (missingCapabilities().every((name) => name === "CAP_SYS_PTRACE")) return;
  const again = ["sudo ipcdump", ...words.map(printable)].join(" ");
  throw new Failure(`tracing needs root (or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE); try: ${again}`);
}
