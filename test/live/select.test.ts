import { expect, setDefaultTimeout, test } from "bun:test";
import { tmpdir } from "node:os";
import { expectCarried } from "../harness/carried.ts";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import { lines } from "../harness/lines.ts";
import { inVm, programPath } from "../harness/programs.ts";
import { Trace, type TraceEvent } from "../harness/trace.ts";
import { Workload } from "../harness/workload.ts";

setDefaultTimeout(3 * PATIENCE);

/** Natively as many as are promised; an emulated processor takes minutes for so many. */
const PAIRS = inVm ? 20_000 : 2_000_000;
/** What others on the machine do meanwhile is in the ring too, as a FIFO's path when it is opened: less than an event a pair. */
const SLACK = PAIRS;

/** The n-th `ring:` line: bytes that went through the ring by then. */
function ringLine(ipcdump: Ipcdump, n: number): Promise<number> {
  return ipcdump.until(`ring line ${n}`, () => {
    const said = ipcdump.stderr.filter((line) => line.startsWith("ring: "))[n];
    return said === undefined ? undefined : Number(/^ring: (\d+) bytes$/.exec(said)?.[1]);
  });
}

test(`${PAIRS} pipe writes that are left out leave the ring alone`, async () => {
  const flags = ["-v", "-t", "pipe", "-f", "json", "--backend", BACKEND, "-P", "m[a-n]rk?r*"];
  using ipcdump = await Ipcdump.tracing(flags);
  using quiet = await Workload.start("quiet", `${PAIRS}`);
  await quiet.untilWaiting();
  ipcdump.kill("SIGUSR1");
  const before = await ringLine(ipcdump, 0);
  const reading = quiet.proceed();
  // a wanted one in the thick of it, and one when it is over
  await marked(ipcdump);
  await reading;
  await marked(ipcdump);
  ipcdump.kill("SIGUSR1");
  const after = await ringLine(ipcdump, 1);
  ipcdump.kill("SIGINT");
  expect(await ipcdump.ended()).toBe(0);
  // two names and two events, 40 and 72 bytes each
  expect(after - before).toBeGreaterThanOrEqual(2 * (40 + 72));
  expect(after - before).toBeLessThan(2 * (40 + 72) + SLACK);
  // nor is what they left unread told
  expect(ipcdump.stderr.filter((line) => line.includes(`${quiet.pid}(quiet)`))).toEqual([]);
});

/** Makes an event of a process called marker, and waits until it is printed. */
async function marked(ipcdump: Ipcdump): Promise<void> {
  const marker = Bun.spawn([await programPath("marker"), "pipe"]);
  const pid = `"src_pid":${marker.pid},`;
  await ipcdump.until(
    "the marker's event",
    () => ipcdump.stdout.some((line) => line.includes(pid)) || undefined,
  );
  await marker.exited;
}

const ROLES = ["ann", "bob", "cyd"];

/** Every event among the processes of mixed.c, each channel's in the order of time. */
async function mixed(...flags: string[]): Promise<string[]> {
  const words = ["-x", "-f", "json", "--backend", BACKEND, ...flags, "--", await programPath("mixed")];
  using ipcdump = new Ipcdump(words);
  expect(await ipcdump.ended()).toBe(0);
  return ipcdump.stdout
    .map((line) => JSON.parse(line) as TraceEvent)
    .filter(({ src_comm, dst_comm }) => ROLES.includes(src_comm) && ROLES.includes(dst_comm))
    .map(({ type, src_comm, dst_comm, meta, bytes = "" }) =>
      [type, src_comm, dst_comm, meta.name ?? meta.count, bytes].join(" "),
    )
    .sort();
}

let everything: Promise<string[]> | undefined;

type Wanted = (src: string, dst: string) => boolean;
const filters: [flags: string, wanted: Wanted][] = [
  ["-S ann", (src) => src === "ann"],
  ["-D c*", (_, dst) => dst === "cyd"],
  ["-P bob --no-self", (src, dst) => (src === "bob" || dst === "bob") && src !== dst],
  ["-P bob", (src, dst) => src === "bob" || dst === "bob"],
  ["-S [a-b]?? --not-dst-comm b*", (src, dst) => src !== "cyd" && dst !== "bob"],
  ["--not-src-comm ann,cyd", (src) => src === "bob"],
  ["-S bob,cyd -D ann", (src, dst) => src !== "ann" && dst === "ann"],
  ["-S ann -P bob", (src, dst) => src === "ann" && dst === "bob"],
  ["--not-comm ann", (src, dst) => src !== "ann" && dst !== "ann"],
  ["-P ann --not-comm cyd", (src, dst) => (src === "ann" || dst === "ann") && src !== "cyd" && dst !== "cyd"],
  ["-S nobody", () => false],
];
// what differs between kernels and back ends is in the first of each kind
test.each(inVm ? filters.slice(0, 3) : filters)("of every kind: ipcdump %s", async (flags, wanted) => {
  everything ??= mixed();
  const all = await everything;
  // 24 of them in each of five rounds
  expect(all).toHaveLength(120);
  const passed = all.filter((event) => {
    const [, src = "", dst = ""] = event.split(" ");
    return wanted(src, dst);
  });
  expect(await mixed(...flags.split(" "))).toEqual(passed);
});

test.each(["ann", "bob"])("a receiver that only user space can find: %s", async (name) => {
  // both hold their ends since before tracing, and the first to receive was not seen using its own
  using workload = await Workload.start("unix", "pair", "stream", "unnamed", "early", tmpdir());
  await workload.untilWaiting();
  const { pid } = workload.truth.role(name);
  const flags = ["-t", "unix-stream", "-f", "json", "--backend", BACKEND, "-d", `${pid}`];
  using ipcdump = await Ipcdump.tracing(flags);
  const { carried } = await workload.finish();
  ipcdump.kill("SIGINT");
  expect(await ipcdump.ended()).toBe(0);
  const expected = carried.filter(({ dst }) => dst === name).map(({ count }) => count);
  expect(expected).not.toEqual([]);
  expect(ipcdump.stdout.map((line) => JSON.parse(line).meta.count)).toEqual(expected);
});

test.each(["fastopen", "not_accepted"])(
  "a listener that no event spoke of has its name: %s",
  async (mode) => {
    const trace = await Trace.start("loopback-tcp", "--wait=2s", "--not-pid", `${process.pid}`);
    using workload = await Workload.staged("tcp", mode);
    await expectCarried(trace, workload.truth);
    expect(await trace.late()).toEqual([]);
  },
);

test("--follow: who was there before, and who was born since", async () => {
  // a shell, in it another one that was there when tracing began and makes new ones
  const inner = 'while read -r _; do sh -c "kill -WINCH \\$\\$; echo \\$\\$"; done';
  const outer = Bun.spawn(["sh", "-c", `sh -c '${inner}'; :`], { stdin: "pipe", stdout: "pipe" });
  const said = lines(outer.stdout);
  const next = async (): Promise<number> => {
    outer.stdin.write("\n");
    await outer.stdin.flush();
    return Number((await said.next()).value);
  };
  await next();
  using ipcdump = await Ipcdump.tracing([
    ...["-t", "signal", "-f", "json", "--backend", BACKEND],
    ...["-s", `${outer.pid}`, "--follow"],
  ]);
  const born = [await next(), await next(), await next()];
  const stranger = Bun.spawn(["sh", "-c", "kill -WINCH $$"]);
  await stranger.exited;
  outer.stdin.end();
  await outer.exited;
  ipcdump.kill("SIGINT");
  expect(await ipcdump.ended()).toBe(0);
  const sources = ipcdump.stdout
    .map((line) => JSON.parse(line) as TraceEvent)
    .filter(({ meta }) => meta.name === "SIGWINCH")
    .map(({ src_pid }) => src_pid);
  expect(sources).toEqual(born);
});
