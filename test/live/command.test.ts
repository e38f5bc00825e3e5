import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import { inVm, programPath } from "../harness/programs.ts";

setDefaultTimeout(1.2 * PATIENCE);

const TRACE = ["-t", "pipe,signal", "--backend", BACKEND, "-f", "json"];
const folder = mkdtempSync(join(tmpdir(), "ipcdump-command-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  status: number;
  stdout: string[];
  stderr: string[];
}

async function command(words: readonly string[], flags: readonly string[] = []): Promise<Outcome> {
  using ipcdump = new Ipcdump([...TRACE, ...flags, "--", ...words]);
  const status = await ipcdump.ended();
  return { status, stdout: ipcdump.stdout, stderr: ipcdump.stderr };
}

function script(name: string, text: string, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe("-- cmd: status", () => {
  const cases: [words: string[], status: number][] = [
    [["true"], 0],
    [["false"], 1],
    [["sh", "-c", "exit 77"], 77],
    [["sh", "-c", "kill -KILL $$"], 137],
    [["sh", "-c", "kill -TERM $$"], 143],
    [[script("plain", "exit 5\n")], 5],
  ];
  test.each(cases)("%j ends with %d", async (words, status) => {
    const outcome = await command(words);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr[0]).toStartWith("tracing ");
    // behind it stands what others left unread
    expect(outcome.stderr).toContainEqual(expect.stringMatching(/^\d+ events in /));
  });

  const broken: [words: string[], status: number, message: string][] = [
    [
      ["no-such-command"],
      127,
      "cannot run no-such-command: ENOENT, no such file or directory; it is nowhere in PATH",
    ],
    [[join(folder, "none")], 127, `cannot run ${join(folder, "none")}: ENOENT, no such file or directory`],
    [[script("closed", "", 0o600)], 126, `cannot run ${join(folder, "closed")}: EACCES, permission denied`],
    [[folder], 126, `cannot run ${folder}: EACCES, permission denied`],
    [
      [script("odd", "#!/no/such/shell\n")],
      127,
      `cannot run ${join(folder, "odd")}: ENOENT, no such file or directory`,
    ],
  ];
  test.each(broken)("%j can't be run: %d", async (words, status, message) => {
    const outcome = await command(words);
    expect(outcome.status).toBe(status);
    expect(outcome.stdout).toEqual([]);
    expect(outcome.stderr.at(-1)).toBe(`ipcdump: ${message}`);
  });

  test("when tracing can't start, cmd never does", async () => {
    const mark = join(folder, "mark");
    const outcome = await command(["touch", mark], ["-o", join(folder, "no/such/folder")]);
    expect(outcome.status).toBe(1);
    expect(() => readFileSync(mark)).toThrow();
  });
});

describe("-- cmd: what it gets", () => {
  test("stdout is joined to stderr, events alone are on stdout", async () => {
    const { stdout, stderr } = await command([
      "sh",
      "-c",
      "echo out; echo err >&2; kill -0 $$; kill -WINCH $$",
    ]);
    expect(stderr).toContain("out");
    expect(stderr).toContain("err");
    const events = stdout.map((line) => JSON.parse(line));
    expect(events).toEqual([
      expect.objectContaining({ type: "signal", meta: expect.objectContaining({ name: "SIGWINCH" }) }),
    ]);
  });

  test("with -o stdout is its own", async () => {
    const { stdout } = await command(["echo", "out"], ["-o", join(folder, "events")]);
    expect(stdout).toEqual(["out"]);
  });

  test("stdin, environment, raw arguments, no descriptors or signals of ours", () => {
    const raw = join(folder, "raw");
    const words =
      'cat; printf "%s " "$0" "$VARIABLE" >"$RAW"; ls /proc/self/fd | tr "\\n" " "; grep -E "Sig(Blk|Ign)" /proc/$$/status';
    const { stdout, stderr, exitCode } = Bun.spawnSync(
      [
        "sh",
        "-c",
        `VARIABLE=$(printf '\\376') exec "$@" "$(printf 'a\\377b')"`,
        "sh",
        EXECUTABLE,
        "-q",
        ...TRACE,
        "-o",
        "/dev/null",
        "--",
        "sh",
        "-c",
        words,
      ],
      { stdin: new TextEncoder().encode("from stdin\n"), env: { ...process.env, RAW: raw } },
    );
    expect([exitCode, stderr.toString()]).toEqual([0, ""]);
    const lines = stdout.toString().split("\n");
    expect(lines[0]).toBe("from stdin");
    expect(readFileSync(raw).toString("latin1")).toBe("a\xffb \xfe ");
    expect(lines[1]).toStartWith("0 1 2 3 SigBlk");
    // 13 is SIGPIPE, 25 SIGXFSZ; 32 and 33 are libc's own
    const ignored = Number.parseInt(/SigIgn:\s*(\w+)/.exec(lines.at(-2)!)![1]!.slice(-8), 16);
    expect(ignored & ((1 << 12) | (1 << 24))).toBe(0);
  });

  test("only its doings are shown", async () => {
    const other = Bun.spawn([await programPath("marker"), "pipe"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const { stdout } = await command([await programPath("marker"), "pipe"]);
    await other.exited;
    const events = stdout.map((line) => JSON.parse(line));
    expect(events.length).toBeGreaterThan(0);
    expect(new Set(events.map(({ src_comm }) => src_comm))).toEqual(new Set(["marker"]));
    expect(new Set(events.map(({ src_pid }) => src_pid)).size).toBe(1);
    expect(events[0].src_pid).not.toBe(other.pid);
  });
});

describe("-- cmd: --summary", () => {
  /** as `./configure && make` is: hundreds of processes that live for a few milliseconds and talk in pipes */
  const build = `
    for i in $(seq ${inVm ? 5 : 40}); do
      answer=$(echo "checking for $i" | tr a-z A-Z | cat)
      echo "$answer... $(sh -c 'echo yes; kill -WINCH $$')"
      sh -c 'kill -WINCH $PPID'
    done | tee "$0" | cat`;

  interface Row {
    summary?: boolean;
    type: string;
    src_pid: number;
    src_comm: string;
    dst_pid: number;
    dst_comm: string;
    events: number;
    bytes: number;
  }

  function add(sums: Map<string, [number, number]>, row: Row, events: number, bytes: number): void {
    const pair = `${row.type} ${row.src_pid}(${row.src_comm}) ${row.dst_pid}(${row.dst_comm})`;
    const [before, sum] = sums.get(pair) ?? [0, 0];
    sums.set(pair, [before + events, sum + bytes]);
  }

  test("every pair is named, and its totals are those of the events", async () => {
    using all = await Ipcdump.tracing([...TRACE, "-v", "--ring", "64M"]);
    const script = ["sh", "-c", build, join(folder, "build.log")];
    const { status, stdout, stderr } = await command(script, ["-v", "--summary"]);
    all.kill("SIGINT");
    expect([status, await all.ended()]).toEqual([0, 0]);
    const lines: Row[] = stdout.map((line) => JSON.parse(line));
    expect(lines.filter(({ summary }) => summary !== true)).toEqual([]);
    // the others say how many were lost
    const rows = lines.filter(({ events }) => events > 0);
    const unnamed = rows.filter((row) => {
      return row.src_pid < 0 || row.dst_pid < 0 || `${row.src_comm} ${row.dst_comm}`.includes("<unknown>");
    });
    expect(unnamed).toEqual([]);
    const [table, events] = [new Map<string, [number, number]>(), new Map<string, [number, number]>()];
    for (const row of rows) add(table, row, row.events, row.bytes);
    const pids = new Set(rows.flatMap(({ src_pid, dst_pid }) => [src_pid, dst_pid]));
    pids.delete(process.pid); // cmd's stderr is read here, and so is that of the other ipcdump
    for (const line of all.stdout) {
      const event = JSON.parse(line);
      if (pids.has(event.src_pid) || pids.has(event.dst_pid)) add(events, event, 1, event.meta.count ?? 0);
    }
    expect(table.size).toBeGreaterThan(inVm ? 20 : 160);
    expect(Object.fromEntries(events)).toEqual(Object.fromEntries(table));
    // a kernel skips programs where more calls are under way than it has room for, and says so: nothing else may be lost
    const reasons = [...stderr, ...all.stderr].filter((line) => line.startsWith("lost: "));
    expect(reasons.filter((line) => !/^lost: \d+ probe_missed$/.test(line))).toEqual([]);
  });
});

describe("-- cmd: signals", () => {
  const waiter =
    'trap "echo got TERM; exit 3" TERM; trap "echo got HUP; exit 4" HUP; echo ready; while :; do sleep 0.05; done';

  async function signalled(signal: NodeJS.Signals): Promise<Outcome> {
    using ipcdump = new Ipcdump([...TRACE, "--", "sh", "-c", waiter]);
    await ipcdump.until("ready", () => ipcdump.stderr.find((line) => line === "ready"));
    ipcdump.kill("SIGINT");
    ipcdump.kill(signal);
    const status = await ipcdump.ended();
    return { status, stdout: ipcdump.stdout, stderr: ipcdump.stderr };
  }

  test("SIGTERM and SIGHUP are passed on, SIGINT is not", async () => {
    const term = await signalled("SIGTERM");
    expect(term.status).toBe(3);
    expect(term.stderr).toContain("got TERM");
    const hup = await signalled("SIGHUP");
    expect(hup.status).toBe(4);
    expect(hup.stderr).toContain("got HUP");
  });

  test("SIGUSR1 after the tracing has ended, while cmd runs, does no harm", async () => {
    const script = `echo x | cat >/dev/null; ${waiter}`;
    using ipcdump = new Ipcdump([...TRACE, "-c", "1", "--", "sh", "-c", script]);
    await ipcdump.until("the totals", () => ipcdump.stderr.find((line) => line.startsWith("1 event")));
    await ipcdump.until("ready", () => ipcdump.stderr.find((line) => line === "ready"));
    ipcdump.kill("SIGUSR1");
    ipcdump.kill("SIGTERM");
    expect(await ipcdump.ended()).toBe(3);
  });

  test("a second signal ends ipcdump while cmd ignores the first, and says what goes on", async () => {
    const stubborn = "trap '' TERM HUP; echo $$; exec sleep 60";
    using ipcdump = new Ipcdump([...TRACE, "--", "sh", "-c", stubborn]);
    const pid = await ipcdump.until("its pid", () => ipcdump.stderr.find((line) => /^\d+$/.test(line)));
    const again = setInterval(() => ipcdump.kill("SIGTERM"), 300);
    await ipcdump.until("the last line", () => ipcdump.stderr.find((line) => line.includes("goes on as")));
    clearInterval(again);
    process.kill(Number(pid), "SIGKILL");
    expect(await ipcdump.ended()).toBe(143);
    expect(ipcdump.stderr.at(-1)).toEndWith(`the command goes on as pid ${pid}`);
  });

  test.each([
    ["-c", "1"],
    ["--duration", "5"],
  ])("%s %s stops the tracing, never cmd", async (flag, value) => {
    const gate = join(folder, `gate${flag}`);
    expect(Bun.spawnSync(["mkfifo", gate]).exitCode).toBe(0);
    // both ends, so that nobody waits for the other to open it
    const fd = openSync(gate, "r+");
    const script = 'kill -WINCH $$; read -r _ < "$0"; echo done >&2; exit 9';
    using ipcdump = new Ipcdump([...TRACE, flag, value, "--", "sh", "-c", script, gate]);
    const isTotals = (line: string) => /^1 events in /.test(line);
    await ipcdump.until("the totals", () => ipcdump.stderr.find(isTotals));
    writeSync(fd, "go on\n");
    expect(await ipcdump.ended()).toBe(9);
    closeSync(fd);
    const at = ipcdump.stderr.findIndex(isTotals);
    expect(at).toBeGreaterThan(0);
    expect(ipcdump.stderr.indexOf("done")).toBeGreaterThan(at);
  });
});
