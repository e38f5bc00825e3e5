/** The words behind a word that stands in place of flags: `doctor`, `map` and their like. */
import { printable } from "../bytes/escape.ts";
import { UsageError } from "../failure.ts";
import { type commands, type DrawingName, drawingNames, type Shell, shells } from "./flags.ts";
import { duration, oneOf, wholeNumber } from "./values.ts";

/** How `ipcdump top` shows itself. */
export interface TopOptions {
  /** frames as plain text, one after the other */
  isBatch: boolean;
  /** to end after, 0: never */
  frames: number;
  /** seconds between frames */
  interval: number;
}

export type Subcommand =
  | { action: "help"; isAll: boolean }
  | { action: "doctor"; json: boolean }
  | { action: "completions"; shell: Shell }
  | { action: "map"; names: readonly string[]; drawing: DrawingName; output: string | null }
  | { action: "why"; names: readonly string[] }
  | { action: "top"; top: TopOptions; words: readonly string[] }
  | { action: "extcap"; words: readonly string[] };

const parsers: Readonly<Record<keyof typeof commands, (words: readonly string[]) => Subcommand>> = {
  doctor,
  completions,
  map,
  why,
  top,
  extcap: (words) => ({ action: "extcap", words }),
};

/** The subcommand that these words are; null when they are none. @throws UsageError */
export function subcommandOf(all: readonly string[]): Subcommand | null {
  const [name = "", ...words] = all;
  // Wireshark calls through a link, and knows no word for it; what stands behind -- is a command's
  for (const word of name.startsWith("--") ? all : []) {
    if (word === "--") break;
    if (word.startsWith("--extcap-")) return { action: "extcap", words: all };
  }
  if (!Object.hasOwn(parsers, name)) return null;
  if (words.some((word) => word === "-h" || word === "--help")) return { action: "help", isAll: false };
  return parsers[name as keyof typeof parsers](words);
}

function doctor(words: readonly string[]): Subcommand {
  const unknown = words.find((word) => word !== "--json");
  if (unknown !== undefined) throw new UsageError(`doctor takes nothing but --json: ${printable(unknown)}`);
  return { action: "doctor", json: words.length > 0 };
}

function completions([shell, stray]: readonly string[]): Subcommand {
  if (shell === undefined) throw new UsageError(`completions needs a shell: ${shells.join(", ")}`);
  if (stray !== undefined) throw new UsageError(`completions takes one shell: ${printable(stray)}`);
  return { action: "completions", shell: oneOf("completions for", shell, shells) };
}

function map(words: readonly string[]): Subcommand {
  const names: string[] = [];
  let [drawing, output]: [DrawingName, string | null] = ["text", null];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const [, flag, given] = /^(?:(-[fo])|--(?:format|output)=)(.*)$/s.exec(word) ?? [];
    const name = flag ?? (word.startsWith("--format") ? "-f" : word.startsWith("--output") ? "-o" : "");
    if (!word.startsWith("-") || word === "-") {
      names.push(word);
    } else if (name === "") {
      throw new UsageError(
        `map takes -f, -o and what to show: ${printable(word)} is neither\nTry: ipcdump --help`,
      );
    } else {
      const value = given !== undefined && given !== "" ? given.replace(/^=/, "") : words[++i];
      if (value === undefined || value === "")
        throw new UsageError(`${name} needs a value: ipcdump map ${name} …`);
      if (name === "-f") drawing = oneOf("map -f", value, drawingNames);
      else output = value === "-" ? null : value;
    }
  }
  return { action: "map", names, drawing, output };
}

function why(words: readonly string[]): Subcommand {
  const flag = words.find((word) => word.startsWith("-"));
  if (flag !== undefined) throw new UsageError(`why takes a PID or a name, no flag: ${printable(flag)}`);
  return { action: "why", names: words };
}

/** Its own flags are taken out; the rest are those of tracing. */
function top(words: readonly string[]): Subcommand {
  const own: TopOptions = { isBatch: false, frames: 0, interval: 1 };
  const rest: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const value = () => {
      const next = words[++i];
      if (next === undefined) throw new UsageError(`${word} needs a value: ipcdump top ${word} N`);
      return next;
    };
    if (word === "--") {
      rest.push(...words.slice(i));
      break;
    }
    if (word === "-b") own.isBatch = true;
    else if (word === "-n") own.frames = wholeNumber("-n", value(), Number.MAX_SAFE_INTEGER);
    else if (word === "--interval") own.interval = duration("--interval", value());
    else rest.push(word);
  }
  return { action: "top", top: own, words: rest };
}
