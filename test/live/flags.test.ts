import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FlagName } from "../../src/command/flags.ts";
import type { Description } from "../../src/filter/described.ts";
import type { Actor } from "../harness/actor.ts";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import { Pair, SIGNALS, untraced } from "../harness/pair.ts";
import { inVm } from "../harness/programs.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

const TOTALS = /^\d+ events in (\d+\.\d) s /;
const folder = mkdtempSync(join(tmpdir(), "ipcdump-flags-"));

let pair: Pair;
let a: Actor;
let b: Actor;

beforeAll(() => {
  pair = new Pair(folder);
  ({ a, b } = pair);
});

afterAll(() => {
  pair.end();
  rmSync(folder, { recursive: true, force: true });
});

const traced = (args: readonly string[], isEnding = false) => pair.traced(args, isEnding);
const shown = (stdout: readonly string[]) => pair.shown(stdout);

// In a VM `good` has to do: each is a start, and there everything is emulated.
const filters: [flags: string, wanted: string][] = inVm
  ? []
  : [
      ["-s A", "ab aa"],
      ["--src-pid=A,4194304", "ab aa"],
      ["-d A", "ba aa"],
      ["-p A", "ab ba aa"],
      ["-p B", "ab ba"],
      ["-s A -d B", "ab"],
      ["-s 4194304", ""],
      ["-S alpha", "ab aa"],
      ["-S beta\\,b", "ba"],
      ["-D beta\\,b -D nobody", "ab"],
      ["-P beta\\,b", "ab ba"],
      ["-S alph", ""],
      ["-S beta,b", ""],
      ["-p A,B --not-pid B", "aa"],
      ["-p A --not-comm alpha", ""],
      ["-p A --not-comm beta\\,b", "aa"],
      ["-s A --follow", "ab aa"],
      ["-p A --path *", ""],
      ["-p A --port 80", ""],
      ["-p A --not-type pipe,unix", "ab ba aa"],
    ];
test.each(filters)("ipcdump -t signal %s", async (line, wanted) => {
  const { status, stdout } = await traced([...pair.words(line), "-f", "json"]);
  expect([status, shown(stdout)]).toEqual([0, wanted]);
});

describe("what comes out", () => {
  test("-c counts what passes the filters", async () => {
    const { status, stdout, stderr } = await traced(["-s", `${b.pid}`, "-c", "1", "-f", "json"], true);
    expect([status, shown(stdout)]).toEqual([0, "ba"]);
    expect(stderr.at(-1)).toMatch(/^1 events in .* s \(signal 1\), 0 lost$/);
  });

  test("--duration ends it with status 0 and totals", async () => {
    const start = performance.now();
    using ipcdump = await Ipcdump.tracing([...SIGNALS, "--duration", "0.5s"]);
    expect(await ipcdump.ended()).toBe(0);
    expect(performance.now() - start).toBeGreaterThan(500);
    const seconds = TOTALS.exec(ipcdump.stderr.at(-1)!)?.[1];
    expect(Number(seconds)).toBeGreaterThanOrEqual(0.5);
  });

  test("-f csv", async () => {
    const { stdout } = await traced(["-s", `${b.pid}`, "-f", "csv"]);
    expect(stdout[0]).toBe("timestamp,type,src_pid,src_comm,dst_pid,dst_comm,count,meta,bytes");
    expect(stdout).toHaveLength(2);
    expect(stdout[1]).toMatch(
      /^[-0-9T:.+]+,signal,\d+,"beta,b",\d+,alpha,,"\{""num"":28,""name"":""SIGWINCH""/,
    );
  });

  test("--summary: a table, also so far", async () => {
    using ipcdump = await Ipcdump.tracing([...SIGNALS, "-p", `${a.pid}`, "--summary"]);
    await pair.act();
    ipcdump.kill("SIGUSR1");
    await ipcdump.until("the table so far", () => (ipcdump.stdout.length >= 4 ? true : undefined));
    await pair.act();
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
    expect(ipcdump.stdout).toHaveLength(8);
    const [head, ...rows] = ipcdump.stdout.slice(4);
    expect(head).toMatch(/^TYPE +SRC +DST +WHERE +EVENTS +BYTES +GUESSED +LOST$/);
    expect(rows.map((row) => row.replace(/ +/g, " "))).toContain(
      `signal ${a.pid}(alpha) ${b.pid}(beta,b) SIGWINCH 2 0 0 0`,
    );
  });

  test("--summary adds up what -f json prints", async () => {
    const both = ["-t", "pipe", "--backend", BACKEND, "-f", "json"];
    using table = await Ipcdump.tracing([...both, "--summary"]);
    using events = await Ipcdump.tracing(both);
    const pids = new Set([...(await run("pairs", "2000")).roles.values()].map(({ pid }) => pid));
    table.kill("SIGINT");
    events.kill("SIGINT");
    expect([await table.ended(), await events.ended()]).toEqual([0, 0]);
    const sums = new Map<string, number[]>();
    const add = (src: number, dst: number, count: number, bytes: number) => {
      if (!pids.has(src) || !pids.has(dst)) return;
      const sum = sums.get(`${src} ${dst}`) ?? [0, 0];
      sums.set(`${src} ${dst}`, [sum[0]! + count, sum[1]! + bytes]);
    };
    for (const line of events.stdout) {
      const { src_pid, dst_pid, meta } = JSON.parse(line);
      add(src_pid, dst_pid, -1, -meta.count);
    }
    expect(sums.size).toBeGreaterThan(0);
    for (const line of table.stdout) {
      const row = JSON.parse(line);
      expect(row.summary).toBe(true);
      add(row.src_pid, row.dst_pid, row.events, row.bytes);
    }
    expect([...sums.values()].filter(([count, bytes]) => count !== 0 || bytes !== 0)).toEqual([]);
  });

  const terminals: [environment: Record<string, string>, flags: string[], colored: boolean][] = inVm
    ? []
    : [
        [{ TERM: "xterm" }, [], true],
        [{ TERM: "dumb" }, [], false],
        [{ TERM: "xterm", NO_COLOR: "1" }, [], false],
        [{ TERM: "xterm", NO_COLOR: "1" }, ["--color", "always"], true],
        [{ TERM: "xterm" }, ["--color", "never"], false],
      ];
  test.each(terminals)("on a terminal with %j and %j colours are %p", async (environment, words, colored) => {
    const typescript = join(folder, "typescript");
    const line = `"${EXECUTABLE}" ${[...SIGNALS, "-s", `${a.pid}`, "-c", "1", ...words].join(" ")} 2>"${typescript}.err"`;
    const { NO_COLOR: _, ...inherited } = process.env;
    const terminal = Bun.spawn(["script", "-qec", line, typescript], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...inherited, SHELL: "/bin/sh", ...environment },
    });
    let isOver = false;
    const ended = terminal.exited.finally(() => {
      isOver = true;
    });
    while (!isOver) await a.signal(b);
    expect(await ended).toBe(0);
    expect(readFileSync(typescript, "utf8").includes("\x1b[")).toBe(colored);
    expect(readFileSync(typescript, "utf8")).toContain("signal");
  });

  test("in a pipe there are none", async () => {
    expect((await traced(["-s", `${a.pid}`])).stdout.join("\n")).not.toContain("\x1b");
  });
});

/** A good use of one flag, and what then comes out. */
interface Good {
  words: string;
  /** signals shown of `ab ba aa`; all of them unless said */
  pairs?: string;
  /** it ends by itself */
  ends?: true;
  /** it traces nothing, or does not say so */
  silent?: true;
  stdout?: RegExp;
  stderr?: RegExp;
}

const file = join(folder, "events");
const recording = join(folder, "recording");
/** a section that has nothing in it */
writeFileSync(recording, Uint32Array.of(0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffff_ffff, 0xffff_ffff, 28));
/** those by who processes are have a file of their own, described.test.ts */
type ByIdentity = `${"" | "src-" | "dst-" | "not-"}${keyof Description}`;
const good: Record<Exclude<FlagName, ByIdentity>, Good> = {
  type: { words: "-t k" },
  "not-type": { words: "--not-type pipe,unix" },
  bytes: { words: "-x", stdout: /"name":"SIGWINCH"/ },
  text: { words: "-A", stdout: /"name":"SIGWINCH"/ },
  match: { words: "--match /WINCH/", pairs: "" },
  join: { words: "--join 20ms" },
  brief: { words: "--brief", stdout: /"name":"SIGWINCH"/ },
  who: { words: "--who", stdout: /"src":\{"exe":"[^"]*\/alpha","args":\["/ },
  decode: { words: "--decode=http" },
  slow: { words: "--decode --slow 5ms", pairs: "" },
  errors: { words: "--decode --errors", pairs: "" },
  path: { words: "--path /tmp/*", pairs: "" },
  port: { words: "--port 80,443", pairs: "" },
  "src-pid": { words: "-s A", pairs: "ab aa" },
  "dst-pid": { words: "-d A", pairs: "ba aa" },
  pid: { words: "-p B", pairs: "ab ba" },
  follow: { words: "-p B --follow", pairs: "ab ba" },
  "src-comm": { words: "-S alp*", pairs: "ab aa" },
  "dst-comm": { words: "-D beta\\,b", pairs: "ab" },
  comm: { words: "-P beta\\,b", pairs: "ab ba" },
  "not-pid": { words: "-p A --not-pid B", pairs: "aa" },
  "not-comm": { words: "-p A --not-comm beta\\,b", pairs: "aa" },
  "not-path": { words: "--not-path /tmp/*" },
  "not-port": { words: "--not-port 80" },
  signal: { words: "--signal WINCH", stdout: /"name":"SIGWINCH"/ },
  "not-signal": { words: "--not-signal SIGWINCH", pairs: "" },
  "kernel-signals": { words: "--kernel-signals" },
  "not-src-pid": { words: "--not-src-pid A", pairs: "ba" },
  "not-dst-pid": { words: "--not-dst-pid A", pairs: "ab" },
  "not-src-comm": { words: "--not-src-comm al*", pairs: "ba" },
  "not-dst-comm": { words: "--not-dst-comm beta\\,b", pairs: "ba aa" },
  "no-self": { words: "--no-self", pairs: "ab ba" },
  self: { words: "--self" },
  "all-ns": { words: "--all-ns" },
  "max-bytes": { words: "-xB64" },
  count: { words: "-s B -c 1", pairs: "ba", ends: true, stderr: /^1 events in .* 0 lost$/m },
  wait: { words: "--wait 10ms" },
  sure: { words: "--sure", stderr: / 0 guessed and left out, 0 lost$/ },
  duration: { words: "--duration 1h" },
  ring: { words: "--ring 1M" },
  format: { words: "-f json", stdout: /^\{"src_pid":/m },
  summary: {
    words: "--summary",
    stdout: /^\{"summary":true,.*"where":"SIGWINCH","events":1,/m,
    pairs: "ab aa ba",
  },
  map: { words: `--map ${file}.json`, pairs: "", stdout: /^$/ },
  read: { words: `-r ${recording}`, pairs: "", silent: true, stderr: /^0 events in .* 0 lost$/ },
  output: { words: `-o ${file}`, pairs: "", stdout: /^$/ },
  "no-lost": { words: "-L" },
  color: { words: "-f text --color always", pairs: "", stdout: /^.\[2m\d\d:\d\d:\d\d\./m },
  backend: { words: `--backend ${BACKEND}`, stderr: /^tracing signal \(tracepoint\)/m },
  verbose: { words: "-v", stderr: /^signal: signal_generate by raw tracepoint at signal_generate$/m },
  quiet: { words: "-q --duration 0.1", pairs: "", silent: true, stderr: /^$/ },
  help: { words: "-h", pairs: "", silent: true, stdout: /^Usage: ipcdump/, stderr: /^$/ },
  version: { words: "--version", pairs: "", silent: true, stdout: /^ipcdump \d/, stderr: /^$/ },
};

test.each(Object.entries<Good>(good))("--%s: %j", async (_, wanted) => {
  const words = wanted.words.split(" ").map((word) => {
    return word.replace(/^A$/, `${a.pid}`).replace(/^B$/, `${b.pid}`);
  });
  const all = words.includes("--map") ? words : ["-f", "json", ...words];
  const { status, stdout, stderr } = wanted.silent
    ? await untraced([...SIGNALS, ...all])
    : await traced(all, wanted.ends);
  expect(status).toBe(0);
  const events = stdout.filter((line) => line.startsWith("{"));
  const pairs = shown(events).split(" ").sort().join(" ");
  expect(pairs).toBe((wanted.pairs ?? "ab ba aa").split(" ").sort().join(" "));
  expect(stdout.join("\n")).toMatch(wanted.stdout ?? /^\{.*"type":"signal"|^$/s);
  expect(stderr.join("\n")).toMatch(wanted.stderr ?? /^tracing signal .*\n\d+ events in .* 0 lost$/s);
  if (words[0] === "--map") {
    const lines = readFileSync(`${file}.json`, "utf8").trimEnd().split("\n");
    const flows = lines
      .map((line) => JSON.parse(line))
      .flatMap((one) => one.flows.map((flow: object) => [one.name, flow]));
    const one = { events: 1, bytes: 0, guessed: 0 };
    const way = (from: number, to: number) => ["SIGWINCH", { from, to, ...one }];
    expect(flows).toEqual(expect.arrayContaining([way(a.pid, b.pid), way(b.pid, a.pid), way(a.pid, a.pid)]));
    expect(flows).toHaveLength(3);
  }
  if (wanted.words.startsWith("-o")) {
    expect(shown(readFileSync(file, "utf8").trimEnd().split("\n"))).toBe("ab ba aa");
  }
});
