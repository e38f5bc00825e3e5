/** The facts that a subcommand tells of itself; src/subcommand/index.ts lists them all. */
import { UsageError } from "../failure.ts";
import type { Invocation } from "./arguments.ts";
import type { Flag } from "./flag.ts";
import { nearestFlag, read, type Words } from "./given.ts";

/** A text to show, or what to do as if the flags of tracing had asked for it. */
export type Answer = { text: string; file?: string | null; status?: number } | Invocation;

export type Subcommands = Readonly<Record<string, Subcommand>>;

export interface Subcommand {
  /** behind its name in the help: what it takes */
  readonly usage: string;
  /** its effect */
  readonly description: string;
  /** its own flags, for its parser and for completions */
  readonly flags: Readonly<Record<string, Flag>>;
  /** what it takes beside flags, for a shell to complete it */
  readonly operands?: readonly string[] | "comm";
  /** it takes the flags of tracing as well */
  readonly traces?: true;
  /** words in which it is meant although they don't begin with its name */
  isMeant?(words: readonly string[]): boolean;
  /** @throws Failure, UsageError for its words */
  run(words: readonly string[], all: Subcommands): Promise<Answer>;
}

/** The words behind a subcommand's name, read by its own table of flags. @throws UsageError */
export function readOwn<Name extends string>(
  name: string,
  words: readonly string[],
  flags: Readonly<Record<Name, Flag>>,
  takesOperands: boolean,
): Words<Name> {
  const refuse = (word: string) => {
    const near = nearestFlag(word, flags);
    const hint = near === null ? "" : `; did you mean ${near}?`;
    const own = Object.entries<Flag>(flags).map(
      ([long, { short, value }]) =>
        `${short === undefined ? `--${long}` : `-${short}`}${value === undefined ? "" : ` ${value}`}`,
    );
    const remedy = own.length === 0 ? "It has no flags" : `Its flags: ${own.join(", ")}`;
    return new UsageError(`${name} takes no ${word}${hint}\n${remedy}`);
  };
  return read(words, flags, { unknown: refuse, ...(takesOperands ? {} : { stray: refuse }) });
}
