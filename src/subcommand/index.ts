import type { Answer, Subcommand, Subcommands } from "../command/subcommand.ts";
import { completionsCommand as completions } from "./completions.ts";
import { doctor } from "./doctor.ts";
import { extcap } from "./extcap.ts";

import { man } from "./man.ts";
import { map } from "./map.ts";
import { top } from "./top.ts";
import { why } from "./why.ts";

/** The words that may stand first instead of flags, in the order of the help. */
export const subcommands = { doctor, map, why, top, extcap, completions, man } as const satisfies Subcommands;

/** What these words ask of a subcommand; null when none is meant. @throws Failure */
export function runSubcommand(all: readonly string[]): Promise<Answer> | null {
  const [name = "", ...words] = all;
  const table: Subcommands = subcommands;
  const meant = Object.values(table).find((one: Subcommand) => one.isMeant?.(all));
  if (meant !== undefined) return meant.run(all, table);
  const subcommand = Object.hasOwn(table, name) ? table[name] : undefined;
  if (subcommand === undefined) return null;
  const end = words.indexOf("--");
  const isHelp = (end < 0 ? words : words.slice(0, end)).some((word) => word === "-h" || word === "--help");
  return isHelp ? Promise.resolve({ action: "help", isAll: false }) : subcommand.run(words, table);
}
