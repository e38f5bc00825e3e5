/** One row of the table of flags. */

/** Parts of the help, in its order. */
export const groups = ["what", "who", "how much", "where to"] as const;

export interface Flag {
  readonly short?: string;
  /** the value's name in the help; a flag without one is a switch */
  readonly value?: string;
  /** the values there are, or their sort, for a shell to complete them */
  readonly values?: readonly string[] | "file" | "kind" | "pid" | "comm";
  /** the value may be left out, and has to follow an equals sign */
  readonly optional?: true;
  /** may be repeated; a value flag's values may be separated by commas too (`\,` is a comma) */
  readonly list?: true;
  readonly default?: string;
  /** part of the help that has it; a subcommand's own are in none */
  readonly group?: (typeof groups)[number];
  readonly description: string;
  /** the flag on whose line the help has this one */
  readonly beside?: string;
  /** only --help all has it */
  readonly rare?: true;
}
