import { describe, expect, test } from "bun:test";
import { parseArguments } from "../../src/command/arguments.ts";
import type { Flag } from "../../src/command/flag.ts";
import { flags } from "../../src/command/flags.ts";
import { help } from "../../src/command/help.ts";
import { kindWords } from "../../src/command/selection.ts";
import type { Subcommand } from "../../src/command/subcommand.ts";
import { subcommands } from "../../src/subcommand/index.ts";

describe("help", () => {
  const text = help(kindWords, subcommands);
  const all = help(kindWords, subcommands, true);
  test("fits a terminal", () => {
    for (const page of [text, all])
      expect(page.split("\n").filter((line) => line.length > 80 || line !== line.trimEnd())).toEqual([]);
    expect(text.split("\n").length).toBeLessThanOrEqual(45);
  });
  test("all of it names every flag with its default; the page leaves out what is rare; and every kind", () => {
    for (const [name, flag] of Object.entries<Flag>(flags)) {
      expect(all).toMatch(new RegExp(`--${name}\\b(?!-)`));
      expect([name, new RegExp(`--${name}\\b(?!-)`).test(text)]).toEqual([name, flag.rare !== true]);
      if (flag.default !== undefined && flag.default !== "0")
        expect(all.replace(/\s+/g, " ")).toContain(`(default ${flag.default})`);
    }
    for (const words of kindWords) expect(text).toContain(words.join("|"));
  });
  test("names every subcommand; all of it every flag that one has, too", () => {
    for (const [name, { flags: own }] of Object.entries<Subcommand>(subcommands)) {
      expect(text).toContain(`\n       ipcdump ${name} `);
      for (const flag of Object.keys(own)) expect(all).toMatch(new RegExp(`^  ${name} .*--${flag}\\b`, "m"));
    }
  });
  test("ends with one-liners that work as written", () => {
    const examples = [...text.matchAll(/^ {2}ipcdump(.*?) +#/gm)].map(([, words]) =>
      words!.split(" ").filter(Boolean),
    );
    expect(examples.length).toBe(5);
    for (const words of examples) expect(parseArguments(words).action).toBe("trace");
  });
});
