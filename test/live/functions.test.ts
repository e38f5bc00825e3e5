import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";

setDefaultTimeout(2 * PATIENCE);

const kinds = ["pipe", "unix-stream", "unix-dgram", "unix-seqpacket", "loopback-tcp", "loopback-udp", "pty"];
/** What each back end may stand at functions by. */
const rungs: Readonly<Record<string, readonly string[]>> = {
  fentry: ["fexit"],
};

/** The tracepoints that the links of a process are at, as the kernel says of its descriptors. */
function tracepointsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    const name = /^tp_name:\s*(\S+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1];
    return name === undefined ? [] : [name];
  });
}

/** What -v says the kinds are traced by. */
function rungsOf({ stderr }: Ipcdump): string[] {
  return [...new Set(stderr.flatMap((line) => /^[\w-]+: rung (.+)$/.exec(line)?.[1] ?? []))];
}

test("where functions can be hooked at their return, nobody's system calls are looked at", async () => {
  using ipcdump = await Ipcdump.tracing(["-v", "-t", kinds.join(","), "--backend", BACKEND]);
  const hooks = (kind: string) => ipcdump.stderr.filter((line) => line.startsWith(`${kind}: calls_`));
  const isByFunctions = BACKEND in rungs;
  for (const kind of kinds.filter((name) => name !== "pipe")) {
    const letGo = `${kind}: functions_let_go by ${BACKEND} at locks_remove_posix`;
    expect(ipcdump.stderr.includes(letGo)).toBe(isByFunctions);
    expect(hooks(kind).length > 0).toBe(!isByFunctions);
  }
  if (isByFunctions) expect(tracepointsOf(ipcdump.pid).filter((name) => name.startsWith("sys_"))).toEqual([]);
  const [rung = "", ...others] = rungsOf(ipcdump).filter((name) => name !== "fentry");
  expect(others).toEqual([]);
  expect(rungs[BACKEND] ?? ["kprobe", "tracepoint"]).toContain(rung);
});
