import { printable } from "../bytes/escape.ts";
import { completions, shells } from "../command/completions.ts";
import { oneOf } from "../command/flagvalues.ts";
import { readOwn, type Subcommand } from "../command/subcommand.ts";
import { UsageError } from "../failure.ts";

export const completionsCommand: Subcommand = {
  usage: shells.join("|"),
  description: "completions for a shell",
  flags: {},
  operands: shells,
  run: async (words, all) => {
    const [shell, stray] = readOwn("completions", words, {}, true).operands;
    if (shell === undefined) throw new UsageError(`completions needs a shell: ${shells.join(", ")}`);
    if (stray !== undefined) throw new UsageError(`completions takes one shell: ${printable(stray)}`);
    return { text: completions(oneOf("completions for", shell, shells), all) };
  },
};
