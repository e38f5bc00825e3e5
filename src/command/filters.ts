/** The flags that leave events out → Wanted. */
import { printable } from "../bytes/escape.ts";
import { UsageError } from "../failure.ts";
import type { Description } from "../filter/described.ts";
import { paths, processes, type Wanted } from "../filter/wanted.ts";
import { lastRealtime, signalName } from "../kinds/signal.ts";
import type { Pattern } from "../match/pattern.ts";
import { type FlagName, signalWords } from "./flags.ts";
import { numberFrom } from "./flagvalues.ts";
import type { Given } from "./given.ts";
import { nearest } from "./spelling.ts";

/** PID_MAX_LIMIT */
const mostPid = 4_194_304;
const mostPort = 65_535;
const mostUid = 0xffff_fffe;
const everySignal = Array.from({ length: lastRealtime }, (_, i) => i + 1);

/** @param match what contents are searched for. @throws UsageError */
export function wanted(given: Given, match: readonly Pattern[]): Wanted {
  const numbers = (name: FlagName, what: string, most: number) =>
    (given.get(name) ?? []).map((value) => numberFrom(1, `--${name}`, what, value, most));
  const pids = (name: FlagName) => numbers(name, "a process id", mostPid);
  const both = (pid: FlagName, comm: FlagName) => processes(pids(pid), given.get(comm) ?? []);
  const follow = given.has("follow");
  if (follow && !["src-pid", "dst-pid", "pid"].some((name) => given.has(name as FlagName))) {
    throw new UsageError("--follow needs the processes to follow; add -p PID, -s PID or -d PID");
  }
  return {
    source: both("src-pid", "src-comm"),
    destination: both("dst-pid", "dst-comm"),
    either: both("pid", "comm"),
    excluded: both("not-pid", "not-comm"),
    notSource: both("not-src-pid", "not-src-comm"),
    notDestination: both("not-dst-pid", "not-dst-comm"),
    describedSource: described(given, "src-"),
    describedDestination: described(given, "dst-"),
    describedEither: described(given, ""),
    describedExcluded: described(given, "not-"),
    follow,
    paths: paths(given.get("path") ?? []),
    notPaths: paths(given.get("not-path") ?? []),
    ports: numbers("port", "a port", mostPort),
    notPorts: numbers("not-port", "a port", mostPort),
    signals: signals(given),
    noSelf: given.has("no-self"),
    match,
  };
}

/** @throws UsageError */
function described(given: Given, prefix: "" | "src-" | "dst-" | "not-"): Description {
  const values = (name: keyof Description) => given.get(`${prefix}${name}`) ?? [];
  for (const uid of values("user").filter((value) => /^\d/.test(value)))
    numberFrom(0, `--${prefix}user`, "a name or a uid", uid, mostUid);
  for (const path of values("cgroup").filter((value) => !/^[/*]/.test(value)))
    throw new UsageError(
      `--${prefix}cgroup needs a path from the root of the hierarchy, as in /proc/PID/cgroup: ${printable(path)}`,
    );
  return {
    exe: values("exe"),
    args: values("args"),
    user: values("user"),
    container: values("container"),
    unit: values("unit"),
    cgroup: values("cgroup"),
  };
}

/** The signals that --signal and --not-signal leave; none: all of them. */
function signals(given: Given): number[] {
  const [only, without] = [given.get("signal"), given.get("not-signal")];
  if (only === undefined && without === undefined) return [];
  const asked = only?.map((word) => signalNumber("--signal", word)) ?? everySignal;
  const refused = without?.map((word) => signalNumber("--not-signal", word)) ?? [];
  const left = everySignal.filter((number) => asked.includes(number) && !refused.includes(number));
  if (left.length === 0) throw new UsageError("--not-signal leaves no signal; leave out less");
  return left;
}

/** `KILL`, `SIGKILL`, `kill`, `9`, `RTMIN+2`. @throws UsageError */
function signalNumber(flag: string, word: string): number {
  if (/^\d+$/.test(word)) return numberFrom(1, flag, "a signal", word, lastRealtime);
  const name = word.toUpperCase().replace(/^(?!SIG)/, "SIG");
  const number = everySignal.find((one) => signalName(one) === name) ?? realtime(name);
  if (number !== undefined) return number;
  const near = nearest(word, signalWords);
  const hint =
    near === null ? `a name like KILL or RTMIN+2, or 1 to ${lastRealtime}` : `did you mean ${near}?`;
  throw new UsageError(`${flag} ${printable(word)} is unknown; ${hint}`);
}

/** Names that are counted from the other end than ours. */
function realtime(name: string): number | undefined {
  const [, end, distance] = /^SIGRT(MIN\+|MAX-)(\d{1,2})$/.exec(name) ?? [];
  const first = everySignal.find((one) => signalName(one) === "SIGRTMIN")!;
  const number = end === "MIN+" ? first + Number(distance) : lastRealtime - Number(distance);
  return end !== undefined && number >= first && number <= lastRealtime ? number : undefined;
}
