/** The words of a command line → flags with their values, and -- CMD. */
import { parseArgs } from "node:util";
import { printable } from "../bytes/escape.ts";
import { quoted } from "../bytes/shell.ts";
import { UsageError } from "../failure.ts";
import type { Flag } from "./flag.ts";
import { commands, type FlagName, flags } from "./flags.ts";
import { selectKinds } from "./selection.ts";
import { nearest } from "./spelling.ts";
import { splitList } from "./values.ts";

const seeHelp = "\nTry: ipcdump --help";

/** The values of every flag given; a switch has one empty value each time. */
export type Given = Map<FlagName, string[]>;

/** @throws UsageError */
export function read(all: readonly string[]): { given: Given; command: string[] | null } {
  const table: Record<string, Flag> = flags;
  // Not strict, because its errors don't name the near miss; every token is checked here instead.
  const { tokens } = parseArgs({
    args: [...all],
    options: Object.fromEntries(
      Object.entries(table).map(([name, { short, value, optional }]) => [
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
  const given: Given = new Map();
  // A request for help is met, even when another word is wrong.
  const help = tokens.find((token) => token.kind === "option" && token.name === "help");
  if (help !== undefined) {
    const isAll = tokens.some(
      (token) => token.kind === "positional" && token.value === "all" && token.index === help.index + 1,
    );
    const word = help.kind === "option" && help.value === "all" ? "all" : "";
    return { given: given.set("help", [isAll ? "all" : word]), command: null };
  }
  let command: string[] | null = null;
  for (const token of tokens) {
    if (token.kind === "option-terminator") {
      command = all.slice(token.index + 1);
      if (command.length === 0 || command[0] === "") {
        throw new UsageError(`-- needs a command to start: ipcdump -- CMD ARGS...${seeHelp}`);
      }
      break;
    }
    if (token.kind === "positional") throw strayWord(all, token.index);
    const flag = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (flag === undefined) throw unknownFlag(token.rawName);
    const name = token.name as FlagName;
    const value = checkedValue(token.rawName, flag, token.value, token.inlineValue === true);
    given.set(name, [...(given.get(name) ?? []), ...(flag.list && flag.value ? splitList(value) : [value])]);
  }
  return { given, command };
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
export function last(given: Given, name: FlagName): string {
  const flag: Flag = flags[name];
  return given.get(name)?.at(-1) ?? flag.default ?? "";
}

function unknownFlag(rawName: string): UsageError {
  const names = Object.entries<Flag>(flags).flatMap(([name, { short }]) => [
    `--${name}`,
    ...(short === undefined ? [] : [`-${short}`]),
  ]);
  const near = rawName.startsWith("--")
    ? nearest(rawName.slice(2), Object.keys(flags))
    : names.find((name) => name.length === 2 && name.toLowerCase() === rawName.toLowerCase());
  const hint = near === null || near === undefined ? "" : `; did you mean ${near.replace(/^(?!-)/, "--")}?`;
  return new UsageError(`unknown flag ${printable(rawName)}${hint}${seeHelp}`);
}

/** A word that is no flag: a kind, a misspelt command, or the beginning of a command to trace. */
function strayWord(all: readonly string[], at: number): UsageError {
  const word = all[at]!;
  const near = nearest(word, [...Object.keys(commands), ...Object.keys(flags)]);
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
