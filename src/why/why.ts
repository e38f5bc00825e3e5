/**
 * `ipcdump why` says what a process waits for: the call it sleeps in, the object, who has the other end, what he
 * waits for, and so on to the end of the chain or the cycle. Without a process: every chain of the host that ends in
 * a cycle or in a full buffer that nobody empties.
 */
import { NativeError } from "../../ffi/error.ts";
import { printable } from "../bytes/escape.ts";
import { Failure } from "../failure.ts";
import { processNow } from "../host/comm.ts";
import { cyclesIn } from "../host/deadlock.ts";
import { type Host, lookAtHost } from "../host/host.ts";
import type { Wait } from "../host/wait.ts";
import { chain, lineOf } from "./chain.ts";

/** in milliseconds: a sleep that lasts this long is no passing one */
const patience = 1000;

/** The text, and whether there is a cycle. @throws Failure for a process that is not there */
export async function why(words: readonly string[]): Promise<{ text: string; isDeadlock: boolean }> {
  const host = look();
  const cycles = cyclesIn(host.waits);
  if (words.length > 0)
    return ofProcesses(
      words.flatMap((word) => named(word, host)),
      host,
      cycles,
    );
  await Bun.sleep(patience);
  return ofHost(host, look(), cycles);
}

function look(): Host {
  try {
    return lookAtHost();
  } catch (error) {
    if (error instanceof NativeError)
      throw new Failure(
        `${error.message}\nThis takes root (or CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE) and Linux 5.10.`,
      );
    throw error;
  }
}

/** The processes that a word means: a pid, or all of a name. @throws Failure */
function named(word: string, { waits }: Host): number[] {
  const found = /^\d+$/.test(word)
    ? [Number(word)].filter((pid) => waits.has(pid))
    : [...waits.keys()].filter((pid) => processNow(pid) === `${pid}(${printable(word)})`);
  if (found.length === 0) throw new Failure(`no process ${printable(word)} here; try: ps -e`);
  return found;
}

function ofProcesses(pids: readonly number[], host: Host, cycles: readonly number[][]) {
  const met = new Set<number>();
  const lines = pids.flatMap((pid) => (met.has(pid) ? [] : chain(pid, host, 0, met)));
  const those = cycles.filter((cycle) => cycle.some((pid) => met.has(pid)));
  for (const cycle of those) lines.push(verdict(cycle));
  return { text: textOf(lines), isDeadlock: those.length > 0 };
}

function verdict(cycle: readonly number[]): string {
  const all = cycle.map(processNow).join(", ");
  return cycle.length === 1 ? `deadlock: ${all} waits for itself` : `deadlock: ${all} wait for each other`;
}

/** What was so at both looks. */
function ofHost(before: Host, now: Host, cycles: readonly number[][]) {
  const lasting = (pid: number) => sleeps(before, pid) === sleeps(now, pid) && now.waits.has(pid);
  const still = cyclesIn(now.waits).filter(
    (cycle) =>
      cycle.every(lasting) &&
      cycles.some((other) => other.join() === cycle.join()) &&
      // threads of one process that sleep on each other's locks are its own affair
      cycle.some((pid) => now.waits.get(pid)!.some(({ whose }) => whose !== "its own threads")),
  );
  const lines: string[] = [];
  const told = new Set(still.flat());
  for (const cycle of still) lines.push(verdict(cycle), ...chain(cycle[0]!, now, 1));
  for (const [pid, waits] of now.waits) {
    const blocked = waits.find((wait) => isLastingFull(wait, now, lasting));
    if (blocked === undefined || told.has(pid) || !lasting(pid)) continue;
    lines.push(`blocked: ${lineOf(blocked)}`, ...chain(pid, now, 1).slice(1));
  }
  return { text: textOf(lines), isDeadlock: still.length > 0 };
}

/** A writer without room whose readers all sleep, and in nothing that is for a moment. */
function isLastingFull({ isFull, by }: Wait, { waits }: Host, lasting: (pid: number) => boolean): boolean {
  return (
    isFull &&
    by.length > 0 &&
    by.every(
      (pid) =>
        lasting(pid) &&
        (waits.get(pid) ?? []).every(({ thread }) => thread.state === "S" || thread.state === "T"),
    )
  );
}

function sleeps({ waits }: Host, pid: number): string {
  return (waits.get(pid) ?? []).map(({ thread }) => `${thread.tid} ${thread.state} ${thread.sleeps}`).join();
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
