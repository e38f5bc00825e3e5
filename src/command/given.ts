/** The words of a command line → flags with their values, and -- CMD. */
import { parseArgs } from "node:util";
import { printable } from "../bytes/escape.ts";
import { quoted } from "../bytes/shell.ts";
import { UsageError } from "../failure.ts";
import type { Flag } from "./flag.ts";
import { type FlagName, flags } from "./flags.ts";
import { splitList } from "./flagvalues.ts";
import { selectKinds } from "./selection.ts";
import { nearest } from "./spelling.ts";

const seeHelp = "\nTry: ipcdump --help";

type Table<Name extends string> = Readonly<Record<Name, Flag>>;

/** The values of every flag given; a switch has one empty value each time. */
export type Given<Name extends string = FlagName> = Pick<ReadonlyMap<Name, readonly string[]>, "get" | "has">;

export interface Words<Name extends string = FlagName> {
  given: Given<Name>;
  /** the words that are no flags, where there may be such */
  operands: string[];
  /** what stands behind --, where that is a command */
  command: string[] | null;
}

/** What to say of a word that the table does not have, or that is no flag. */
interface Refusals {
  /** given as it can be printed */
  unknown(word: string, table: Table<string>): UsageError;
  /** without it words that are no flags are taken, and so is what stands behind -- */
  stray?(word: string, at: number): UsageError;
}

/** The words of tracing. @param others words that may stand first, for who misspelt one. @throws UsageError */
export function readTracing(all: readonly string[], others: readonly string[] = []): Words {
  return read(all, flags, tracing(all, others));
}

/** What is said of words that tracing does not know, whatever the table. */
export function tracing(all: readonly string[], others: readonly string[] = []): Required<Refusals> {
  return { unknown: unknownFlag, stray: (_, at) => strayWord(all, at, others) };
}

/** @throws UsageError */
export function read<Name extends string>(
  all: readonly string[],
  table: Table<Name>,
  { unknown, stray }: Refusals,
): Words<Name> {
  // Not strict, because its errors don't name the near miss; every token is checked here instead.
  const { tokens } = parseArgs({
    args: [...all],
    options: Object.fromEntries(
      Object.entries<Flag>(table).map(([name, { short, value, optional }]) => [
        name,
        {
          type: value === undefined || optional ? "boolean" : "string",
          ...(short === undefined ? {} : { short }),
        },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<Name, string[]>();
  const operands: string[] = [];
  // A request for help is met, even when another word is wrong.
  const help = tokens.find((token) => token.kind === "option" && token.name === "help");
  if (help !== undefined && Object.hasOwn(table, "help")) {
    const isAll = tokens.some(
      (token) => token.kind === "positional" && token.value === "all" && token.index === help.index + 1,
    );
    const word = help.kind === "option" && help.value === "all" ? "all" : "";
    return { given: given.set("help" as Name, [isAll ? "all" : word]), operands, command: null };
  }
  for (const token of tokens) {
    if (token.kind === "option-terminator") {
      if (stray === undefined) continue;
      const command = all.slice(token.index + 1);
      if (command.length === 0 || command[0] === "") {
        throw new UsageError(`-- needs a command to start: ipcdump -- CMD ARGS...${seeHelp}`);
      }
      return { given, operands, command };
    }
    if (token.kind === "positional") {
      if (stray !== undefined) throw stray(printable(token.value), token.index);
      operands.push(token.value);
      continue;
    }
    if (!Object.hasOwn(table, token.name)) throw unknown(printable(token.rawName), table);
    const name = token.name as Name;
    const flag: Flag = table[name];
    const value = checkedValue(token.rawName, flag, token.value, token.inlineValue === true);
    given.set(name, [...(given.get(name) ?? []), ...(flag.list && flag.value ? splitList(value) : [value])]);
  }
  return { given, operands, command: null };
}

function checkedValue(rawName: string, flag: Flag, value: string | undefined, inline: boolean): string {
  if (flag.optional && !inline) return "";
  if (flag.value === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value: ${printable(value)}${seeHelp}`);
    return "";
  }
  // -t=pipe: parseArgs leaves the equals sign to the value of a short flag.
  const meant = inline && !rawName.startsWith("--") ? value?.replace(/^=/, "") : value;
  if (meant === undefined || meant === "" || (flag.list && splitList(meant).includes(""))) {
    throw new UsageError(`${rawName} needs a value: ${rawName} ${flag.value}${seeHelp}`);
  }
  if (!inline && /^-[^\d]/.test(meant)) {
    throw new UsageError(
      `${rawName} needs a value: ${rawName} ${flag.value}, but ${printable(meant)} is a flag${seeHelp}`,
    );
  }
  return meant;
}

/** The last value of a flag, its default without one. */
export function last<Name extends string>(given: Given<Name>, name: Name, table: Table<Name>): string {
  return given.get(name)?.at(-1) ?? table[name].default ?? "";
}

/** The flag that may be meant, as it is typed; null when none is near. */
export function nearestFlag(word: string, table: Table<string>): string | null {
  if (word.startsWith("--")) {
    const near = nearest(word.slice(2), Object.keys(table));
    return near === null ? null : `--${near}`;
  }
  const letters = Object.values(table).flatMap(({ short }) => (short === undefined ? [] : [`-${short}`]));
  return letters.find((letter) => letter.toLowerCase() === word.toLowerCase()) ?? null;
}

function unknownFlag(word: string, table: Table<string>): UsageError {
  const near = nearestFlag(word, table);
  const hint = near === null ? "" : `; did you mean ${near}?`;
  return new UsageError(`unknown flag ${word}${hint}${seeHelp}`);
}

/** A word that is no flag: a kind, a misspelt subcommand, or the beginning of a command to trace. */
function strayWord(all: readonly string[], at: number, others: readonly string[]): UsageError {
  const word = all[at]!;
  const near = nearest(word, [...others, ...Object.keys(flags)]);
  if (isKind(word))
    return new UsageError(`${printable(word)} is no flag; did you mean -t ${word}?${seeHelp}`);
  const meant = near !== null && Object.hasOwn(flags, near) ? `--${near}` : near;
  const hint = meant === null ? "" : `; did you mean ${meant}?`;
  const command = [...all.slice(0, at), "--", ...all.slice(at)].map(quoted).join(" ");
  return new UsageError(
    `${printable(word)} is no flag${hint}\nTo start a command and trace it: ipcdump ${command}`,
  );
}

function isKind(word: string): boolean {
  try {
    selectKinds([word], []);
    return true;
  } catch {
    return false;
  }
}
