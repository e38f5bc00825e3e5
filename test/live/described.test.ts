/** Filters by who processes are: --exe, --args, --user, --container, --unit and --cgroup, each in four forms. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FlagName } from "../../src/command/flags.ts";
import type { Description } from "../../src/filter/described.ts";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE } from "../harness/ipcdump.ts";
import { Pair } from "../harness/pair.ts";

setDefaultTimeout(1.2 * PATIENCE);

const folder = mkdtempSync(join(tmpdir(), "ipcdump-described-"));
let pair: Pair;

beforeAll(() => {
  pair = new Pair(folder);
});

afterAll(() => {
  pair.end();
  rmSync(folder, { recursive: true, force: true });
});

/** The flags, and what they leave of the signals alpha → beta, beta → alpha, alpha → alpha. */
const cases: readonly [flags: string, wanted: string][] = [
  ["--exe */alpha", "ab ba aa"],
  ["--src-exe alpha", "ab aa"],
  ["--dst-exe alpha,nothing --not-user 54321", "ba aa"],
  ["-p A --not-exe beta*", "aa"],
  ["--src-args /alpha", "ab aa"],
  ["--args /alpha --dst-args beta\\,b", "ab"],
  ["-p A --not-args /beta", "aa"],
  ["-p A --user root --src-user 0 --dst-user root", "ab ba aa"],
  ["--user nobody --src-exe alpha", ""],
  ["-p A --not-user 0", ""],
  ["--src-container web --src-exe alpha", ""],
  ["--container web --dst-container 0123456789ab --dst-exe alpha", ""],
  ["-p A --not-container * --not-unit cron", "ab ba aa"],
  ["--unit cron --src-unit cron --dst-unit cron", ""],
  ["-p A --cgroup / --src-cgroup / --dst-cgroup /", "ab ba aa"],
  ["-p A --not-cgroup /", ""],
];

test.each(cases)("ipcdump -t signal %s", async (line, wanted) => {
  const { status, stdout } = await pair.traced([...pair.words(line), "-f", "json"]);
  expect([status, pair.shown(stdout)]).toEqual([0, wanted]);
});

test("each of them is in a row above", () => {
  const described: Record<keyof Description, true> = {
    exe: true,
    args: true,
    user: true,
    container: true,
    unit: true,
    cgroup: true,
  };
  const flags = Object.keys(described).flatMap((name) =>
    ["", "src-", "dst-", "not-"].map((end) => `--${end}${name}` as `--${FlagName}`),
  );
  const tried = new Set(cases.flatMap(([line]) => line.split(" ").filter((word) => word.startsWith("--"))));
  expect(flags.filter((flag) => !tried.has(flag))).toEqual([]);
});

test("root of a user namespace is who the host has it for", () => {
  const command = ["setpriv", "--reuid", "54321", "--clear-groups", "unshare", "-Ur", "sh", "-c"];
  const traced = ["-t", "pipe", "--backend", BACKEND, "--who", "--user", "54321", "-q", "-f", "json"];
  const { stdout, stderr, exitCode } = Bun.spawnSync(
    [EXECUTABLE, ...traced, "--", ...command, "echo I am $(id -u) >&2; echo word | cat >/dev/null"],
    { stdin: "ignore" },
  );
  expect([stderr.toString(), exitCode]).toEqual(["I am 0\n", 0]);
  const events: { dst_comm: string; src: object; dst: object }[] = stdout
    .toString()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
  const event = events.find(({ dst_comm }) => dst_comm === "cat");
  for (const who of [event?.src, event?.dst]) {
    expect(who).toMatchObject({ uid: 54321 });
    expect(who).not.toHaveProperty("user");
  }
});
