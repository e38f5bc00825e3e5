import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArguments } from "../../src/command/arguments.ts";
import type { Answer } from "../../src/command/subcommand.ts";
import { UsageError } from "../../src/failure.ts";
import { runSubcommand, subcommands } from "../../src/subcommand/index.ts";

async function answer(...words: string[]): Promise<Answer> {
  const answer = runSubcommand(words);
  if (answer === null) throw new Error(`${words.join(" ")} is no subcommand`);
  return answer;
}

async function options(...words: string[]) {
  const found = await answer(...words);
  if ("text" in found || found.action !== "trace") throw new Error(`${words.join(" ")} does not trace`);
  return found.options;
}

test("a subcommand is one file and one line", () => {
  const folder = join(import.meta.dir, "../../src/subcommand");
  const files = readdirSync(folder).filter((file) => file !== "index.ts");
  expect(files.map((file) => file.slice(0, -".ts".length)).sort()).toEqual(Object.keys(subcommands).sort());
});

test("the flags of tracing are no subcommand, and neither is what Object has", () => {
  for (const words of [[], ["-t", "pipe"], ["constructor"], ["--", "map"]])
    expect(runSubcommand(words)).toBeNull();
});

test.each(Object.keys(subcommands))(
  "%s --help is the help; what stands behind -- is a command's",
  async (name) => {
    for (const words of [["-h"], ["--zzz", "--help"]])
      expect(await answer(name, ...words)).toEqual({ action: "help", isAll: false });
  },
);

test("top takes the flags of tracing, and its own among them", async () => {
  expect(await options("top")).toMatchObject({
    quiet: true,
    top: { isBatch: false, frames: 0, interval: 1 },
  });
  const words = ["-bt", "pipe", "-n", "3", "--interval=10", "-p1"];
  expect(await options("top", ...words, "--", "ls", "-n")).toMatchObject({
    kinds: ["pipe"],
    quiet: false,
    command: ["ls", "-n"],
    top: { isBatch: true, frames: 3, interval: 10 },
  });
  expect(await options("top", "-v")).toMatchObject({ quiet: false });
  expect(await answer("top", "--version")).toEqual({ action: "version", verbose: false });
  expect(await options("top", "-b", "--", "ls", "--help")).toMatchObject({ command: ["ls", "--help"] });
});

const refused: [words: string[], message: string][] = [
  [["doctor", "--jsn"], "doctor takes no --jsn; did you mean --json?\nIts flags: --json"],
  [["doctor", "now"], "doctor takes no now\nIts flags: --json"],
  [["completions"], "completions needs a shell: bash, zsh, fish"],
  [["completions", "csh"], "completions for csh is unknown; did you mean zsh?"],
  [["completions", "bash", "zsh"], "completions takes one shell: zsh"],
  [["completions", "-x"], "completions takes no -x\nIt has no flags"],
  [
    ["map", "--fromat", "dot"],
    "map takes no --fromat; did you mean --format?\nIts flags: -f NAME, -r FILE, -o FILE",
  ],
  [["map", "-fpng"], "map -f png is unknown; one of text, json, dot, mermaid, html"],
  [["map", "-o"], "-o needs a value: -o FILE\nTry: ipcdump --help"],
  [["why", "-\x1b"], "why takes no -\\x1b\nIt has no flags"],
  [["top", "--batsh"], "unknown flag --batsh; did you mean --batch?\nTry: ipcdump --help"],
  [["top", "pipe"], "pipe is no flag; did you mean -t pipe?\nTry: ipcdump --help"],
];
test.each(refused)("refused: %j", async (words, message) => {
  const error = await answer(...words).then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(UsageError);
  expect(error).toMatchObject({ message, status: 2 });
});

test("a misspelt one is found", () => {
  expect(() => parseArguments(["docter"], Object.keys(subcommands))).toThrow(
    "docter is no flag; did you mean doctor?\nTo start a command and trace it: ipcdump -- docter",
  );
});
