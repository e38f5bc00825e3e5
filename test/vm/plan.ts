import { kinds } from "../../src/kinds/index.ts";
import type { Series } from "./kernels.ts";
import type { Backend } from "./report.ts";

/**
 * Which live tests run where, for all of them everywhere take too long. What depends on the back end runs on
 * each, and so do new pipes' ledgers and random processes; the differential run has all kinds everywhere. Of the
 * suites of sockets and terminals all programs but one are the same for every back end, and so is what filters
 * leave out: they run with one of them a kernel, each in its turn. What is about commands and privileges, and other
 * work of user space, takes longest and runs on the oldest kernel. All else runs once a kernel. `--full` runs everything
 * everywhere.
 */
const everywhere = ["differential", "fresh", "random"];
/** What is about the functions that fentry and kprobes stand at. */
const atFunctions = ["functions"];
const inTurn = ["unix", "passed", "loopback", "pty", "select", "ways"];
/**
 * Storms, crowds and twenty tracers at once, which an emulated processor takes minutes for; and for most of these
 * files no VM has the compilers, tshark, bash, script, tmux, runc or nft. No kernel changes what bad words are answered.
 */
const onlyHere = [
  "capture",
  "cli",
  "contents",
  "crowded",
  "decode",
  "described",
  "devices",
  "extcap",
  "edges",
  "endings",
  "faults",
  "flags",
  "hangs",
  "hostile",
  "inherited",
  "killed",
  "late",
  "multitude",
  "storm",
  "newkind",
  "nat",
  "outfile",
  "pcapng",
  "recorded",
  "runtime",
  "survival",
  "top",
  "untouched",
  "usage",
];
/** What apt fetches systems for, and no VM has a network. */
export const needsApt: readonly string[] = ["roots", "container"];
const onOldest = [
  "clock",
  "command",
  "contested",
  "doctor",
  "folders",
  "namespace",
  "noise",
  "paths",
  "privileges",
  "static",
];
const oldest: Series = "5.10";
/** It takes a system along, and its kernel is the one with a systemd of today's. */
const withSystemd: Series = "6.12";
const onceOn: Backend = "tracepoint";
const turns: Readonly<Record<Series, Backend>> = {
  "5.10": "tracepoint",
  "6.1": "fentry",
  "6.12": "kprobe",
  "7.x": "kprobe",
};

/** What a kernel is told that shall preempt everybody, and those that let themselves be told. */
export const PREEMPT = "preempt=full";
export const preemptible: readonly Series[] = ["6.12"];

/**
 * Whether ipcdump has a back end on a kernel: fentry's programs lose events where they are preempted, as they always
 * are on 7.x. That it says so is a case of functions.test.ts.
 */
export function isOffered(series: Series, backend: Backend, isPreempted: boolean): boolean {
  return backend !== "fentry" || !(isPreempted || series === "7.x");
}

/** The live test files of one back end on one kernel, of all there are, without `.test.ts`. */
export function planned(series: Series, backend: Backend, all: readonly string[]): string[] {
  return all.filter((file) => {
    if (onlyHere.includes(file)) return false;
    // a kind whose programs are not the same for every back end
    if (!inTurn.includes(file) && kinds.some(({ name }) => name === file)) return true;
    if (everywhere.includes(file)) return true;
    if (atFunctions.includes(file)) return backend !== "tracepoint";
    if (onOldest.includes(file) && series !== oldest) return false;
    if (file === "systemd" && series !== withSystemd) return false;
    return backend === (inTurn.includes(file) ? turns[series] : onceOn);
  });
}
