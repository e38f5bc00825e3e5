import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { EXECUTABLE } from "../harness/ipcdump.ts";
import { programPath } from "../harness/programs.ts";

setDefaultTimeout(2 * PATIENCE);

const flags = ["-q", "-t", "signal", "-o", "/dev/null", "--"];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-inherited-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What was said by a command, to which `given` gave a strange mixture of limits, signals and descriptors. */
async function said(...command: string[]) {
  const given = await programPath("given");
  const env = { PATH: process.env.PATH!, WORD: "a", IPCDUMP_WORD: "b", LD_WORD: "c", MIMALLOC_WORD: "d" };
  // what stdout and stderr are is the same each time
  const script = '"$@" 2>"$0/stderr" >"$0/stdout"';
  const { exitCode } = Bun.spawnSync(["sh", "-c", script, folder, given, ...command], { env });
  const [stdout, stderr] = ["stdout", "stderr"].map((name) => readFileSync(join(folder, name), "utf8"));
  return { exitCode, stderr, lines: stdout!.split("\n").slice(0, -1) };
}

test("cmd has limits, signals, descriptors and variables as the caller gave them", async () => {
  const given = await programPath("given");
  const strange = await said(given);
  expect(strange).toEqual({
    exitCode: 0,
    stderr: "",
    lines: expect.arrayContaining([
      "ignored 8000000349095633, blocked 8000012800",
      expect.stringMatching(/^limit 7: 700 /),
      expect.stringMatching(/^descriptor 9: \/, /),
      expect.stringMatching(/^descriptor \d{4,}: \/, /),
      "LD_WORD=c",
    ]),
  });
  expect(strange.lines.filter((line) => line.startsWith("descriptor 0"))).toEqual([]);
  expect(await said(EXECUTABLE, ...flags, given)).toEqual(strange);
});

test("how cmd ended is known when the caller ignores SIGCHLD", async () => {
  expect((await said(EXECUTABLE, ...flags, "sh", "-c", "exit 7")).exitCode).toBe(7);
});

test("cmd's path, its folder in PATH and its words need not be UTF-8", () => {
  const script = `
    folder=$(printf "$1/a\\376"); mkdir -p "$folder"; name=$(printf 'c\\377md')
    printf '#!/bin/sh\\nprintf "%%s\\\\n" "$0" "$@"\\n' >"$folder/$name"; chmod +x "$folder/$name"
    word=$(printf 'w\\375')
    for way in direct traced; do
      run() { "$@"; }
      test $way = direct || run() { "$EXECUTABLE" ${flags.join(" ")} "$@"; }
      { PATH="$folder:$PATH" run "$name" "$word"; run "$folder/$name" "$word"; } >"$1/$way"
    done`;
  const { exitCode, stderr } = Bun.spawnSync(["sh", "-c", script, "sh", folder], {
    env: { ...process.env, EXECUTABLE },
  });
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
  const direct = readFileSync(join(folder, "direct"));
  expect(direct.length).toBeGreaterThan(2 * folder.length);
  expect(readFileSync(join(folder, "traced"))).toEqual(direct);
});

test("a standard output that can't be written is named before anything starts", () => {
  const mark = join(folder, "ran");
  for (const [redirection, how] of [
    [">&-", "closed"],
    ["<&- >&-", "closed"],
    ["1</dev/null", "open for reading only"],
  ]) {
    const script = `"$0" -t signal -- sh -c 'echo ran >"$1"' sh "$1" ${redirection}`;
    const { exitCode, stderr } = Bun.spawnSync(["sh", "-c", script, EXECUTABLE, mark]);
    const line = `ipcdump: stdout is ${how}; write to a file with -o FILE\n`;
    expect([redirection, exitCode, stderr.toString()]).toEqual([redirection, 1, line]);
    expect(() => readFileSync(mark)).toThrow();
  }
  const script = `"$0" -q -t signal -f json -o "$1" -- sh -c 'kill -WINCH $$; test -e /proc/$$/fd/1 || exit 9' <&- >&- 2>&-`;
  const { exitCode } = Bun.spawnSync(["sh", "-c", script, EXECUTABLE, mark]);
  expect([exitCode, JSON.parse(readFileSync(mark, "utf8")).meta.name]).toEqual([9, "SIGWINCH"]);
});

test("cmd has every one of very many words as it was given", () => {
  const words = Array.from({ length: 4000 }, (_, i) => `${i} ${"word ".repeat(i % 9)}`);
  const script = 'for word; do printf "%s\\n" "$word"; done';
  const { stdout, stderr } = Bun.spawnSync([EXECUTABLE, ...flags, "sh", "-c", script, "sh", ...words]);
  expect([stdout.toString().split("\n").slice(0, -1), stderr.toString()]).toEqual([words, ""]);
});
