/** The manual page: all there is, in a form that a formatter takes without a word. */
import { expect, test } from "bun:test";
import type { Flag } from "../../src/command/flag.ts";
import { flags } from "../../src/command/flags.ts";
import { manual } from "../../src/command/manual.ts";
import type { Subcommand } from "../../src/command/subcommand.ts";
import { kinds } from "../../src/kinds/index.ts";
import { runSubcommand, subcommands } from "../../src/subcommand/index.ts";

const page = manual("1.2.3", subcommands);
/** as it is read, without the marks of fonts */
const text = page
  .replaceAll(/\\f[BIR]/g, "")
  .replaceAll("\\-", "-")
  .replaceAll("\\e", "\\");

test("every flag, kind and subcommand is in it once, with its value", () => {
  for (const [name, { value, optional }] of Object.entries<Flag>(flags)) {
    const taken = value === undefined ? "" : optional ? `[=${value}]` : ` ${value}`;
    const own = text.slice(0, text.indexOf(".SH SUBCOMMANDS"));
    const found = own.split("\n").filter((line) => line.replace(/:.*/, "").endsWith(`--${name}${taken}`));
    expect([name, found.length]).toEqual([name, 1]);
  }
  for (const { name, aliases } of kinds) expect(text).toContain(`\n.TP\n${[name, ...aliases].join(", ")}\n`);
  for (const [name, { flags: own }] of Object.entries<Subcommand>(subcommands)) {
    const part = text.slice(text.indexOf(`\n.TP\n${name}`, text.indexOf(".SH SUBCOMMANDS")));
    expect(part).not.toBe("");
    for (const flag of Object.keys(own)) expect(part).toContain(`--${flag}`);
  }
});

test("a line begins with a full stop or a quote only where that is meant", () => {
  const requests = page.split("\n").filter((line) => /^[.']/.test(line));
  expect(requests.filter((line) => !/^\.(TH|SH|SS|TP|br)( |$)/.test(line))).toEqual([]);
  expect(page.split("\n").filter((line) => line.length > 0 && line !== line.trimEnd())).toEqual([]);
});

test("ipcdump man prints it, and takes nothing", async () => {
  const answer = await runSubcommand(["man"]);
  expect(answer).toMatchObject({ text: expect.stringMatching(/^\.TH IPCDUMP 1 /) });
  const refused = await runSubcommand(["man", "-x"])?.catch((error: unknown) => error);
  expect(String(refused)).toContain("man takes no -x\nIt has no flags");
});
