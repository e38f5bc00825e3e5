/** The privileges that tracing needs, and those that it needs no longer once all is attached. */
import { readFileSync } from "node:fs";
import dropCode from "#dist/drop.bin" with { type: "file" };
import { capabilities, dropCapabilities, without } from "../../ffi/capabilities.ts";
import type { BpfMap } from "../../ffi/map.ts";
import { ownStrings } from "../../ffi/spawn.ts";
import { printable } from "../bytes/escape.ts";
import { quoted } from "../bytes/shell.ts";
import { Failure } from "../failure.ts";
import { log } from "../log.ts";
import { read } from "../proc/files.ts";
import { showsOurPids } from "../proc/processes.ts";

const numbers = {
  CAP_DAC_READ_SEARCH: 2,
  CAP_KILL: 5,
  CAP_SETPCAP: 8,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;
type Capability = keyof typeof numbers;
/** without the first two there is no tracing, without the last one no look at other users' processes */
const wanted = ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"] as const;

function maskOf(names: readonly Capability[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(numbers[name])), 0n);
}

function effective(): bigint | null {
  const line = /^CapEff:\s*([0-9a-f]+)/m.exec(read("/proc/self/status"));
  return line === null ? null : BigInt(`0x${line[1]}`);
}

/** Of the capabilities that tracing needs those that this process lacks. */
export function missingCapabilities(): string[] {
  const mask = effective();
  if (mask === null) return []; // no /proc: the kernel will say so itself
  const has = (name: Capability) => (mask & maskOf([name])) !== 0n;
  // older than the first two, and stands for them
  return wanted.filter((name) => !has(name) && (name === "CAP_SYS_PTRACE" || !has("CAP_SYS_ADMIN")));
}

/** @throws Failure when this process may not trace, naming what it lacks; the remedy has its command line's last `words` */
export function requirePrivileges(words: number): void {
  const missing = missingCapabilities();
  if (missing.length === 0) return;
  if (missing.join() === "CAP_SYS_PTRACE") {
    log.warn("without CAP_SYS_PTRACE: sockets and terminals never seen in use have no names");
    return;
  }
  const given = words === 0 ? [] : ownStrings("cmdline").slice(-words);
  const again = ["sudo ipcdump", ...given.map(quoted)].join(" ");
  if (missing.length === wanted.length)
    throw new Failure(`tracing needs root (or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE); try: ${again}`);
  throw new Failure(`tracing needs ${missing.join(" and ")} as well; try: ${again}`);
}

/** The things that need privileges while tracing goes on. */
export interface Doings {
  /** looks into /proc at what others have open */
  looks: boolean;
  /** signals cmd, which may have become another user's */
  signals: boolean;
  /** a map whose entries it reads */
  map: BpfMap;
}

/** Gives up, in every thread and for good, all privileges but those that the tracing goes on to need. */
export async function dropPrivileges({ looks, signals, map }: Doings): Promise<void> {
  const kept: Capability[] = [];
  // of other users' processes one lists the descriptors, the other reads what they are
  if (looks) kept.push("CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE");
  if (signals) kept.push("CAP_KILL");
  const bpf: Capability[] = ["CAP_BPF", "CAP_SYS_ADMIN"];
  try {
    // before Linux 5.19, unless everybody may use BPF
    if (without(maskOf(bpf), () => !map.isReadable())) {
      const own = maskOf(["CAP_BPF"]) & capabilities().permitted;
      kept.push(own !== 0n ? "CAP_BPF" : "CAP_SYS_ADMIN");
    }
    if (!showsOurPids()) {
      log.verbose("privileges: all kept, for without /proc the threads are unknown");
      return;
    }
    const permitted = capabilities().permitted;
    const held = kept.filter((name) => (permitted & maskOf([name])) !== 0n);
    const left = await dropCapabilities(maskOf(held), readFileSync(dropCode));
    // without CAP_SETPCAP the kernel lets nobody make it smaller; no_new_privs has it mean nothing
    const bounds =
      (permitted & maskOf(["CAP_SETPCAP"])) === 0n ? "; the bounding set stays, without CAP_SETPCAP" : "";
    log.verbose(`privileges: ${held.length === 0 ? "none" : held.join(", ")} kept${bounds}`);
    if (left.length > 0) log.warn(`privileges: these threads keep theirs: ${left.map(printable).join(", ")}`);
  } catch (error) {
    log.warn(`privileges: all kept: ${error instanceof Error ? error.message : String(error)}`);
  }
}
