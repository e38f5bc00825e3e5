import { expect, test } from "bun:test";
import { completions, shells } from "../../src/command/completions.ts";
import type { Flag } from "../../src/command/flag.ts";
import { flags } from "../../src/command/flags.ts";
import { kindWords } from "../../src/command/selection.ts";
import type { Subcommand } from "../../src/command/subcommand.ts";
import { subcommands } from "../../src/subcommand/index.ts";

/** What bash offers behind these words. */
function offers(...words: string[]): string[] {
  const script = `${completions("bash", subcommands)}
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ipcdump; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = Bun.spawnSync(["bash", "-c", script, "bash", "ipcdump", ...words]);
  expect(stderr.toString()).toBe("");
  return stdout.toString().split("\n").filter(Boolean);
}

const cases: [words: string[], offered: string[]][] = [
  [["--form"], ["--format"]],
  [["--fo"], ["--follow", "--format"]],
  [["doc"], ["doctor"]],
  [["-x", "doc"], []],
  [
    ["completions", ""],
    ["bash", "zsh", "fish"],
  ],
  [["doctor", ""], ["--json"]],
  [
    ["map", "-f", ""],
    ["text", "json", "dot", "mermaid", "html"],
  ],
  [["map", "--out"], ["--output"]],
  [["extcap", "--in"], ["--install"]],
  [["top", "--inter"], ["--interval"]],
  [["top", "-t", "sig"], ["signal"]],
  [
    ["-f", ""],
    ["text", "json", "csv", "pcapng"],
  ],
  [["--format", "=", "js"], ["json"]],
  [
    ["--color", "="],
    ["auto", "always", "never"],
  ],
  [["-xt", "pip"], ["pipe"]],
  [["-t", "pipe,sig"], ["pipe,signal"]],
  [["-t", "pipe,signal,al"], ["pipe,signal,all"]],
  [["--count", ""], []],
  [["-o", "/etc/passw"], expect.arrayContaining(["/etc/passwd"]) as unknown as string[]],
  [["-p", `${process.pid}`], expect.arrayContaining([`${process.pid}`]) as unknown as string[]],
  [["-x", "--", "tru"], expect.arrayContaining(["true"]) as unknown as string[]],
];
test.each(cases)("bash: %j", (words, offered) => {
  expect(offers(...words)).toEqual(offered);
});

test("bash offers every flag and every kind", () => {
  const offered = offers("-");
  for (const [name, flag] of Object.entries<Flag>(flags)) {
    expect(offered).toContain(`--${name}`);
    if (flag.short !== undefined) expect(offered).toContain(`-${flag.short}`);
  }
  expect(offers("-t", "").sort()).toEqual([...kindWords.flat()].sort());
});

test.each(shells)("%s knows every flag", (shell) => {
  const script = completions(shell, subcommands);
  for (const [name, flag] of Object.entries<Flag>(flags)) {
    expect(script).toContain(shell === "fish" ? `-l ${name}` : `--${name}`);
    if (flag.short !== undefined)
      expect(script).toMatch(new RegExp(`-${shell === "fish" ? "s " : ""}${flag.short}\\b`));
  }
  for (const [name, { flags }] of Object.entries<Subcommand>(subcommands)) {
    expect(script).toMatch(new RegExp(`\\b${name}\\b`));
    for (const own of Object.keys(flags))
      expect(script).toContain(shell === "fish" ? `-l ${own}` : `--${own}`);
  }
  expect(script).toStartWith("#");
  expect(script).toEndWith("\n");
});
