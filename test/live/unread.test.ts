import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { Hang } from "../harness/hang.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import { programPath } from "../harness/programs.ts";

setDefaultTimeout(4 * PATIENCE);

const full = "N bytes from";
const KINDS = ["-t", "pipe,unix-stream,loopback-tcp", "--backend", BACKEND, "-v"];
const stranger = await Hang.start("pipes");
afterAll(() => stranger[Symbol.dispose]());

/** Its pids by role, `ann PID` of test/programs/hang.c; the roles of a second one are ANN2 and BOB2. */
function roles(
  ...hangs: readonly (readonly (readonly [role: string, pid: number])[])[]
): (text: string) => string {
  const names = new Map(
    hangs.flatMap((pids, i) =>
      pids.map(([role, pid]) => [`${pid}`, role.toUpperCase() + (i === 0 ? "" : `${i + 1}`)]),
    ),
  );
  return (text) => text.replace(/\d+/g, (number) => names.get(number) ?? "N");
}

/** What the last report says to be unread, with what is the same at every run. */
function said({ stderr }: Ipcdump, named: (text: string) => string): string[] {
  const last = stderr.findLastIndex((line) => / events in /.test(line));
  return stderr
    .slice(last)
    .filter((line) => line.startsWith("unread: "))
    .map(named)
    .sort();
}

/** Asks until these are the lines: what was started is still on its way. */
async function untilSaid(ipcdump: Ipcdump, expected: readonly string[], named: (text: string) => string) {
  const end = performance.now() + PATIENCE;
  do {
    const before = ipcdump.stderr.length;
    ipcdump.kill("SIGUSR1");
    // -v: it ends a report
    await ipcdump.until("a report", () =>
      ipcdump.stderr.slice(before).find((line) => line.startsWith("ring: ")),
    );
  } while (!Bun.deepEquals(said(ipcdump, named), expected) && performance.now() < end);
  expect(said(ipcdump, named)).toEqual([...expected]);
}

test("what was full before tracing, and who is blocked there", async () => {
  using pipes = await Hang.start("pipes");
  using sockets = await Hang.start("sockets");
  const mine = [pipes, sockets].flatMap(({ ann, bob }) => [ann, bob]);
  using ipcdump = await Ipcdump.tracing([...KINDS, "-p", mine.join()]);
  const named = roles([...pipes.pids], [...sockets.pids]);
  // only a look at system calls knows of those that had begun before tracing
  const isByCalls = (await ipcdump.untilTracing()).includes("pipe (tracepoint");
  const both = "ANN(ann) (guess), BOB(bob) (guess)";
  const [first, second] = isByCalls ? ["ANN(ann) (guess)", "BOB(bob) (guess)"] : [both, both];
  const expected = [
    `unread: pipe N <anonymous>: ${full} ${first}, readers: ANN(ann), BOB(bob)`,
    `unread: pipe N <anonymous>: ${full} ${second}, readers: ANN(ann), BOB(bob)`,
    `unread: unix-stream N <anonymous>: ${full} ANN2(ann), readers: BOB2(bob)`,
    `unread: unix-stream N <anonymous>: ${full} BOB2(bob), readers: ANN2(ann)`,
  ];
  await untilSaid(ipcdump, expected, named);
  ipcdump.kill("SIGINT");
  expect(await ipcdump.ended()).toBe(0);
  expect(said(ipcdump, named)).toEqual(expected);
});

test("under -- cmd a FIFO has its path, though who had it is gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-unread-"));
  const path = join(folder, "fifo");
  const script = `mkfifo ${path}; exec 3<>${path}; echo left >&3`;
  using ipcdump = new Ipcdump([...KINDS, "--", "sh", "-c", script]);
  expect(await ipcdump.ended()).toBe(0);
  rmSync(folder, { recursive: true });
  expect(said(ipcdump, (text) => text.replace(/ \d+/, " N").replace(/\d+\(/g, "N("))).toEqual([
    `unread: pipe N ${path}: 5 bytes from N(sh), readers: N(sh)`,
  ]);
});

test("under -- cmd its own, also when it has ended by then", async () => {
  using ipcdump = new Ipcdump([...KINDS, "--", await programPath("hang"), "pipes"], { stdin: "pipe" });
  await ipcdump.until("bob", () => ipcdump.stderr.find((line) => line.startsWith("bob ")));
  const lines = ipcdump.stderr
    .map((line) => /^(ann|bob) (\d+)$/.exec(line))
    .filter((found) => found !== null);
  const named = roles(lines.map(([, role = "", pid]) => [role, Number(pid)]));
  const expected = ["ANN(ann)", "BOB(bob)"].map(
    (who) => `unread: pipe N <anonymous>: ${full} ${who}, readers: ANN(ann), BOB(bob)`,
  );
  await untilSaid(ipcdump, expected, named);
  ipcdump.kill("SIGTERM");
  expect(await ipcdump.ended()).toBe(143);
  // who of the two ended last could read both
  const writers = (line: string) => line.replace(/, readers: .*/, "");
  expect(said(ipcdump, named).map(writers)).toEqual(expected.map(writers));
});
