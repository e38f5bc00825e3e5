import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { eventually, PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";

setDefaultTimeout(2 * PATIENCE);

const kinds = ["pipe", "unix-stream", "unix-dgram", "unix-seqpacket", "loopback-tcp", "loopback-udp", "pty"];
/** What each back end may stand at functions by. */
const rungs: Readonly<Record<string, readonly string[]>> = {
  fentry: ["fexit"],
  kprobe: ["kprobe.session", "kprobe + kretprobe"],
};
/** Where the kernel lists the probes that were made by tracefs. */
const probes = "/sys/kernel/tracing/kprobe_events";

/** The tracepoints that the links of a process are at, as the kernel says of its descriptors. */
function tracepointsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fdinfo`).flatMap(
    (fd) => /^tp_name:\s*(\S+)/m.exec(infoOf(pid, fd))?.[1] ?? [],
  );
}

/** What the kernel says of a descriptor: nothing when it was closed since it was listed. */
function infoOf(pid: number, fd: string): string {
  try {
    return readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** The programs that the kernel has loaded, of any tracer; those that nobody has any more go a moment later. */
function loadedPrograms(): string[] {
  const symbols = readFileSync("/proc/kallsyms", "utf8").split("\n");
  return symbols.flatMap((line) => / bpf_prog_[0-9a-f]+_(\S+)/.exec(line)?.[1] ?? []);
}

/** Whether it is one of calls_enter and calls_exit, which look at every system call. */
const looksAtCalls = (program: string) => /^calls_e/.test(program);

/** Those probes that tracers have made, by the number of the tracer. */
function probesOf(pid: number): string[] {
  const listed = existsSync(probes) ? readFileSync(probes, "utf8") : "";
  return listed.split("\n").filter((line) => line.includes(`:ipcdump_${pid}/`));
}

/** What -v says the kinds are traced by. */
function rungsOf({ stderr }: Ipcdump): string[] {
  return [...new Set(stderr.flatMap((line) => /^[\w-]+: rung (.+)$/.exec(line)?.[1] ?? []))];
}

test("where functions can be hooked, nobody's system calls are looked at", async () => {
  using ipcdump = await Ipcdump.tracing(["-v", "-t", kinds.join(","), "--backend", BACKEND]);
  const hooks = (kind: string) => ipcdump.stderr.filter((line) => line.startsWith(`${kind}: calls_`));
  const isByFunctions = BACKEND in rungs;
  for (const kind of kinds.filter((name) => name !== "pipe")) {
    const letGo = `${kind}: functions_let_go by ${BACKEND} at locks_remove_posix`;
    expect(ipcdump.stderr.includes(letGo)).toBe(isByFunctions);
    expect(hooks(kind).length > 0).toBe(!isByFunctions);
  }
  if (isByFunctions) expect(tracepointsOf(ipcdump.pid).filter((name) => name.startsWith("sys_"))).toEqual([]);
  // of the kernel's own list; a tracer before may have left it programs of calls that it has not freed yet
  const expected = isByFunctions ? "functions_let_go" : "calls_enter";
  await eventually(`only ${expected}`, () => {
    const programs = loadedPrograms();
    const isTraced = programs.some((name) => name.startsWith(expected));
    return (isTraced && !(isByFunctions && programs.some(looksAtCalls))) || undefined;
  });
  const [rung = "", ...others] = rungsOf(ipcdump).filter((name) => name !== "kprobe" && name !== "fentry");
  expect(others).toEqual([]);
  expect(rungs[BACKEND] ?? ["tracepoint"]).toContain(rung);

  // probes that are made for a tracer go with it, and what a killed one leaves with the next
  const isByEvents = rung === "kprobe + kretprobe";
  ipcdump.kill("SIGKILL");
  expect(await ipcdump.ended()).toBe(137);
  expect(probesOf(ipcdump.pid).length > 0).toBe(isByEvents);
  using next = await Ipcdump.tracing(["-t", "pty", "--backend", BACKEND]);
  expect(probesOf(ipcdump.pid)).toEqual([]);
  expect(probesOf(next.pid).length > 0).toBe(isByEvents);
  next.kill("SIGTERM");
  expect(await next.ended()).toBe(0);
  expect(probesOf(next.pid)).toEqual([]);
});

test("fentry is refused where the kernel preempts it", async () => {
  const release = readFileSync("/proc/sys/kernel/osrelease", "utf8");
  const isTold = /\bpreempt=(full|lazy)\b/.test(readFileSync("/proc/cmdline", "utf8"));
  using ipcdump = new Ipcdump(["-t", "pipe", "--backend", "fentry", "--duration", "0.1"]);
  const status = await ipcdump.ended();
  const refused = ipcdump.stderr.includes(
    "ipcdump: not tracing pipe: fentry: this kernel preempts BPF programs and would skip events; try another --backend, or run: ipcdump doctor",
  );
  // since 7.0 there is no other way to run such a kernel
  expect({ refused, status: refused ? status : 0 }).toEqual(
    isTold || Number.parseInt(release, 10) >= 7
      ? { refused: true, status: 1 }
      : { refused: false, status: 0 },
  );
});
