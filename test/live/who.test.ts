/** --who: what processes are at both ends, compared with what they made of themselves. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import { inVm, programPath } from "../harness/programs.ts";
import { Trace, type TraceEvent } from "../harness/trace.ts";

setDefaultTimeout(2 * PATIENCE);

interface Told {
  exe?: string;
  args: string[];
  args_cut?: boolean;
  uid: number;
  user?: string;
  ppid: number;
  parent: string;
  ancestors: { pid: number; comm: string }[];
  cgroup?: string;
  container?: string;
  runtime?: string;
  pod?: string;
  unit?: string;
}

let folder: string;
let program: string;
let trace: Trace;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-who-"));
  chmodSync(folder, 0o755);
  program = join(folder, "who");
  copyFileSync(await programPath("who"), program);
  trace = await Trace.start("signal", "--who");
}, 2 * PATIENCE);

afterAll(async () => {
  await trace?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 2 * PATIENCE);

function eventsOf(pid: number): (TraceEvent & { src: Told; dst: Told })[] {
  return trace.events.filter(({ src_pid, dst_pid }) => src_pid === pid && dst_pid === pid) as (TraceEvent & {
    src: Told;
    dst: Told;
  })[];
}

/** What the last event of a process that was started by these words says of it, the same at both ends. */
async function told(...words: string[]): Promise<Told> {
  const { stdout, exitCode, stderr } = Bun.spawnSync([program, ...words], { stderr: "pipe" });
  expect([stderr.toString(), exitCode]).toEqual(["", 0]);
  await trace.settle();
  const event = eventsOf(Number(stdout.toString().trim().split("\n").at(-1))).at(-1)!;
  expect(event.dst).toEqual(event.src);
  return event.src;
}

const us = () => ({ pid: process.pid, comm: readFileSync("/proc/self/comm", "utf8").trim() });

test("no less is seen with it than without", async () => {
  const traced = async (...flags: string[]) => {
    using ipcdump = new Ipcdump(["-t", "pty,unix-stream", "--backend", BACKEND, ...flags]);
    const line = await ipcdump.untilTracing();
    ipcdump.kill("SIGTERM");
    expect(await ipcdump.ended()).toBe(0);
    return line;
  };
  expect(await traced("--who", "--no-self")).toBe(await traced());
});

test("program, arguments, user and parent", async () => {
  const args = ["a", "", "two words", 'ü"\\'];
  const who = await told("plain", ...args);
  expect(who).toMatchObject({
    exe: program,
    args: [program, "plain", ...args],
    uid: process.getuid!(),
    ppid: us().pid,
    parent: us().comm,
  });
  expect(who.user).toBe(process.getuid!() === 0 ? "root" : who.user!);
  expect(who.ancestors[0]).toEqual(us());
});

test("arguments end after 4,096 bytes, and it is said", async () => {
  const who = await told("plain", "x".repeat(5000));
  expect(who.args_cut).toBe(true);
  expect(who.args.join("\0")).toBe(`${program}\0plain\0${"x".repeat(5000)}`.slice(0, 4096));
});

test("what it was before exec stays what its older events say", async () => {
  const { stdout } = Bun.spawnSync([program, "exec", "later"]);
  await trace.settle();
  const args = eventsOf(Number(stdout.toString())).map(({ src }) => src.args.slice(1));
  expect(args).toEqual([
    ["exec", "later"],
    ["plain", "later"],
  ]);
});

test("a program in memory has its name there", async () => {
  expect(await told("memory", "of ours", "word")).toMatchObject({
    exe: "/memfd:of ours",
    args: [program, "plain", "word"],
  });
});

test("another user", async () => {
  const passwd = readFileSync("/etc/passwd", "utf8");
  const [, name = "", uid = ""] = /^(\w+):[^:]*:([1-9]\d*):/m.exec(passwd) ?? [];
  expect(await told("user", uid)).toMatchObject({ uid: Number(uid), user: name });
  const nobody = await told("user", "54321");
  expect([nobody.uid, nobody.user]).toEqual([54321, undefined]);
});

test("a child without a program of its own has its parent's", async () => {
  const who = await told("child", "of mine");
  expect(who).toMatchObject({ exe: program, args: [program, "child", "of mine"], parent: "who" });
  expect(who.ancestors[1]).toEqual(us());
});

test("a script: its interpreter's program, and the arguments with the interpreter's", async () => {
  const script = join(folder, "script.sh");
  writeFileSync(script, `#!${program} plain\n`, { mode: 0o755 });
  const { stdout } = Bun.spawnSync([script, "word"]);
  await trace.settle();
  const [event] = eventsOf(Number(stdout.toString()));
  expect(event?.src_comm).toBe("script.sh");
  expect(event?.src).toMatchObject({ exe: program, args: [program, "plain", script, "word"] });
});

test("a title that a process wrote over its arguments", async () => {
  const child = Bun.spawn([program, "title", "walker: third of nine", "and", "some", "more", "room"], {
    stdin: "pipe",
    stdout: "pipe",
  });
  const reader = child.stdout.getReader();
  const pid = Number(new TextDecoder().decode((await reader.read()).value));
  const args = () => eventsOf(pid).at(-1)?.src.args;
  expect(args()?.at(-1) ?? "room").toBe("room");
  // it is looked at again after a part of the process's age
  const deadline = performance.now() + PATIENCE;
  do {
    child.stdin.write("\n");
    await trace.settle();
  } while (args()?.length !== 1 && performance.now() < deadline);
  expect(args()).toEqual(["walker: third of nine"]);
  child.stdin.end();
  expect(await child.exited).toBe(0);
});

const hierarchy = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/pids"].find((path) =>
  existsSync(join(path, "cgroup.procs")),
);
describe("containers, pods and units, as runtimes name their cgroups", () => {
  const id = "0123456789abcdef".repeat(4);
  const uid = "12345678-9abc-def0-1234-56789abcdef0";
  const slice = `kubepods-burstable-pod${uid.replaceAll("-", "_")}.slice`;
  const cases: [path: string, wanted: Partial<Told>][] = [
    [`docker/${id}`, { container: id.slice(0, 12), runtime: "docker" }],
    [
      `system.slice/docker-${id}.scope`,
      { container: id.slice(0, 12), runtime: "docker", unit: `docker-${id}.scope` },
    ],
    [`kubepods/burstable/pod${uid}/${id}`, { runtime: "containerd", pod: uid }],
    [
      `kubepods.slice/kubepods-burstable.slice/${slice}/cri-containerd-${id}.scope`,
      { runtime: "containerd", pod: uid },
    ],
    [`kubepods.slice/kubepods-burstable.slice/${slice}/crio-${id}.scope`, { runtime: "cri-o", pod: uid }],
    [`machine.slice/libpod-${id}.scope/container`, { container: id.slice(0, 12), runtime: "podman" }],
    ["system.slice/cron.service", { unit: "cron.service" }],
  ];
  // a VM has none that a test could write to
  test.each(inVm ? [] : cases)("%s", async (path, wanted) => {
    const top = `ipcdump-test-${basename(folder)}`;
    const parts = [top, ...path.split("/")];
    const folders = parts.map((_, i) => join(hierarchy!, ...parts.slice(0, i + 1)));
    for (const one of folders) mkdirSync(one, { recursive: true });
    try {
      const who = await told("cgroup", folders.at(-1)!);
      expect(who.cgroup).toEndWith(`/${top}/${path}`);
      expect(who).toMatchObject(wanted);
    } finally {
      for (const one of folders.toReversed()) rmdirSync(one);
    }
  });
});

test("lives of a millisecond", async () => {
  const count = inVm ? 100 : 1000;
  const from = trace.events.length;
  expect(Bun.spawnSync([program, "many", `${count}`, program]).exitCode).toBe(0);
  await trace.settle();
  const events = trace.events.slice(from) as (TraceEvent & { src: Told })[];
  const seen = events.filter(
    ({ src_pid, dst_pid, src }) => src_pid === dst_pid && src?.exe === program && src.args[1] === "once",
  );
  expect(seen.map(({ src }) => Number(src.args[2]))).toEqual(Array.from({ length: count }, (_, i) => i));
  expect(new Set(seen.map(({ src }) => src.parent))).toEqual(new Set(["who"]));
});

test("the rows of --summary, and the processes of --map, are by it", () => {
  const drawn = join(folder, "map.json");
  const run = (...words: string[]) =>
    Bun.spawnSync([
      EXECUTABLE,
      "-q",
      "-t",
      "signal",
      "--who",
      ...words,
      "--",
      program,
      "plain",
      "tell.me",
    ]).stdout.toString();
  const rows = run("--summary", "-f", "json")
    .split("\n")
    .filter((line) => line.startsWith("{"));
  expect(rows.map((line) => JSON.parse(line))).toMatchObject([
    { src_comm: "who[plain]", dst_comm: "who[plain]" },
  ]);
  run("--map", drawn);
  const [connection] = readFileSync(drawn, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(connection.sides[0].holders[0].comm).toBe("who[plain]");
});
