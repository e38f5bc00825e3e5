import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { askUntil } from "../harness/hang.ts";
import { BACKEND, EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import { lines } from "../harness/lines.ts";

setDefaultTimeout(2 * PATIENCE);

const folder = mkdtempSync(join(tmpdir(), "ipcdump-top-"));
const socket = join(folder, "tmux");

function tmux(...words: string[]): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync(["tmux", "-S", socket, "-f", "/dev/null", ...words]);
  if (exitCode !== 0) throw new Error(`tmux ${words.join(" ")}: ${stderr}`);
  return stdout.toString();
}

/** What the terminal shows, without blanks behind the lines. */
function shown(): string[] {
  return tmux("capture-pane", "-p", "-t", "top")
    .split("\n")
    .map((line) => line.trimEnd());
}

function keys(...words: string[]): void {
  tmux("send-keys", "-t", "top", ...words);
}

/** Until the screen has a line like each of these; the screen. */
async function untilShown(...lines: RegExp[]): Promise<string[]> {
  let screen: string[] = [];
  const missing = async () => {
    screen = shown();
    return lines.filter((line) => !screen.some((row) => line.test(row))).map(String);
  };
  expect([await askUntil([], missing, PATIENCE), screen]).toEqual([[], screen]);
  return screen;
}

beforeAll(() => {
  tmux("new-session", "-d", "-s", "top", "-x", "80", "-y", "24", "env", "PS1=ready> ", "HISTFILE=", "sh");
});

afterAll(() => {
  tmux("kill-server");
  rmSync(folder, { recursive: true, force: true });
});

/**
 * Two processes called pinger and ponger: one asks by JSON-RPC over a pipe, the other answers, again and again. Both have
 * their ends when this resolves.
 */
async function talk(): Promise<Bun.Subprocess> {
  const script = `
    test -p there || mkfifo there back
    export ask='{"jsonrpc":"2.0","id":1,"method":"hello"}' answer='{"jsonrpc":"2.0","id":1,"result":1}'
    sh -c 'echo open >&2; printf pinger > /proc/self/comm; while read line; do echo "$answer"; done' < there > back &
    exec sh -c 'echo open >&2; printf ponger > /proc/self/comm; while :; do echo "$ask"; read line; sleep 0.05; done' > there < back`;
  const talkers = Bun.spawn(["sh", "-c", script], {
    cwd: folder,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const said = lines(talkers.stderr);
  for (let i = 0; i < 2; i++) expect((await said.next()).value).toBe("open");
  return talkers;
}

describe("top", () => {
  test("rows, order, filter, messages, size and end, driven by keys", async () => {
    const talkers = await talk();
    try {
      keys(
        `${EXECUTABLE} top -t pipe --path '${folder}/*' --backend ${BACKEND} --interval 0.2 --decode`,
        "Enter",
      );
      const rows = await untilShown(
        /^ipcdump top .*\/s .* conversations by rate$/,
        /^TYPE +SRC +DST.* P50 +P99$/,
        /pinger.*ponger.* [\d.]+[um]?s +[\d.]+[um]?s$/,
        /ponger.*pinger.* - +-$/,
      );
      expect(rows.filter((row) => row.length > 80)).toEqual([]);
      keys("s");
      await untilShown(/conversations by bytes$/);
      keys("p");
      await untilShown(/processes by bytes$/, /^pipe .*pinger\) +\d+\(ponger\)/);
      keys("p", "/", "pinger", "Enter");
      const found = await untilShown(/conversations by bytes +\/pinger$/, /pinger/);
      expect(found.slice(2, 20).filter((row) => row !== "" && !row.includes("ping"))).toEqual([]);
      keys("Enter");
      await untilShown(
        /^q back .*ping/,
        /jsonrpc \d+\(ponger\) > \d+\(pinger\): hello, id 1/,
        /jsonrpc \d+\(pinger\) > \d+\(ponger\): ok, id 1/,
      );
      keys("q");
      tmux("resize-window", "-t", "top", "-x", "120", "-y", "12");
      await untilShown(/^TYPE +SRC +DST/, /^q quit/);
      expect(shown().filter((row) => row !== "").length).toBeLessThanOrEqual(12);
      keys("q");
      await untilShown(/^ready>/);
    } finally {
      talkers.kill("SIGKILL");
    }
  });

  test.each(["SIGTERM", "SIGSEGV"] as const)("%s leaves the terminal as it was", async (signal) => {
    keys("clear; stty -a", "Enter");
    await untilShown(/icanon/);
    keys(`clear; ${EXECUTABLE} top -t signal --backend ${BACKEND} & fg`, "Enter");
    await untilShown(/^q quit/);
    const [pid = ""] = tmux("list-panes", "-t", "top", "-F", "#{pane_pid}").trim().split("\n");
    process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")), signal);
    await untilShown(/^ready>/);
    keys("clear; stty -a", "Enter");
    await untilShown(/ icanon /, / echo /);
    // the screen before it is there again, and not one of its own
    expect(tmux("display-message", "-p", "-t", "top", "#{alternate_on} #{cursor_flag}")).toBe("0 1\n");
  });

  test("-b -n: frames for scripts", async () => {
    const talkers = await talk();
    try {
      using ipcdump = new Ipcdump([
        "top",
        "-b",
        "-n",
        "3",
        "--interval",
        "0.3",
        "-t",
        "pipe",
        "--path",
        `${folder}/*`,
        "--backend",
        BACKEND,
        "-q",
      ]);
      expect(await ipcdump.ended()).toBe(0);
      expect(ipcdump.stdout.filter((line) => line.startsWith("ipcdump top "))).toHaveLength(3);
      expect(ipcdump.stdout.filter((line) => /^pipe .*pinger.*ponger/.test(line)).length).toBeGreaterThan(0);
      expect(ipcdump.stdout.join("\n")).not.toContain("\x1b");
    } finally {
      talkers.kill("SIGKILL");
    }
  });

  test.each([
    [["top", "--summary"], "top shows a board, live; leave out --summary"],
    [["top", "-f", "json"], "top shows a board, live; leave out -f json"],
    [["top", "-n", "-b"], "-n needs a value: -n N, but -b is a flag\nTry: ipcdump --help"],
    [["top", "-n", "x"], "-n needs a whole number, 0 or more: x"],
    [["top", "--interval", "0"], "--interval needs a time like 30, 1.5s, 2m or 1h: 0"],
    [["top", "--", "true"], "top and CMD can't share a terminal; add -b, or start CMD on another one"],
  ])("%j is refused", async (words, error) => {
    using ipcdump = new Ipcdump(words);
    expect([await ipcdump.ended(), ipcdump.stderr]).toEqual([2, `ipcdump: ${error}`.split("\n")]);
  });
});
