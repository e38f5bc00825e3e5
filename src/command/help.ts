import { type Flag, groups } from "./flag.ts";
import { type FlagName, flags, flagWords } from "./flags.ts";
import type { Subcommand, Subcommands } from "./subcommand.ts";

const width = 80;
/** where descriptions begin */
const column = 24;

const tracingCommand = { usage: "[FLAGS] -- CMD ARGS...", description: "start CMD and show what it does" };

/** The original's one-liners, and their results. */
export const examples: readonly [command: string, meaning: string][] = [
  ["ipcdump", "everything on the system"],
  ["ipcdump -t kill", "signals sent between any two processes"],
  ["ipcdump -t loopback-tcp -p 1337", "loopback TCP metadata to or from pid 1337"],
  ["ipcdump -t unix -x -S Xorg", "unix socket I/O from Xorg, contents too"],
  ["ipcdump -t pipe -x -B 64 -f json", "pipe I/O as JSON, first 64 bytes too"],
];

/**
 * The text of --help: 80 columns and 45 lines at most, ends with a newline.
 * @param isAll what is rarely needed as well, in as many lines as it takes
 */
export function help(
  kindWords: readonly (readonly string[])[],
  subcommands: Subcommands,
  isAll = false,
): string {
  const others = Object.entries(subcommands).map(([name, { usage, description }]) => ({
    usage: `${name} ${usage}`,
    description,
  }));
  const lines = [
    "Usage: ipcdump [FLAGS]",
    ...[tracingCommand, ...others].map(
      ({ usage, description }) => `       ipcdump ${usage.padEnd(28)}${description}`,
    ),
    "Shows interprocess communication on this host: who sent what to whom.",
  ];
  for (const group of groups) {
    lines.push(`${group[0]?.toUpperCase()}${group.slice(1)}:`);
    for (const name of Object.keys(flags) as FlagName[]) {
      const flag: Flag = flags[name];
      if (flag.group === group && flag.beside === undefined && (isAll || flag.rare !== true))
        lines.push(...entry(name, kindWords, isAll));
    }
  }
  if (isAll) lines.push("Of subcommands:", ...Object.entries(subcommands).flatMap(ownFlags));
  const longest = Math.max(...examples.map(([command]) => command.length));
  lines.push("Examples (as root):");
  for (const [command, meaning] of examples) lines.push(`  ${command.padEnd(longest)}  # ${meaning}`);
  return `${lines.join("\n")}\n`;
}

function entry(name: FlagName, kindWords: readonly (readonly string[])[], isAll: boolean): string[] {
  const flag: Flag = flags[name];
  const besides = (Object.keys(flags) as FlagName[]).filter((other) => {
    const { beside, rare }: Flag = flags[other];
    return beside === name && (isAll || rare !== true);
  });
  const value = valueWord(flag);
  let words = flag.short === undefined ? `    ${flagWords(name)}` : flagWords(name);
  let text = flag.description;
  if (besides.length > 0 && besides.every((other) => "short" in flags[other])) {
    const together = [name, ...besides];
    words = together.map((one) => `-${(flags[one] as Flag).short}`).join(" ");
    text = `${together.map((one) => `--${one}`).join(", ")}: ${text}`;
  } else {
    for (const other of besides) {
      const beside: Flag = flags[other];
      text += `; --${other}${valueWord(beside)}: ${beside.description}`;
      if (beside.default !== undefined) text += ` (default ${beside.default})`;
    }
  }
  if (name === "type") text += `: ${kindWords.map((meanings) => meanings.join("|")).join(", ")}`;
  // of a number that is not limited the description says so
  if (flag.default !== undefined && flag.default !== "0") text += ` (default ${flag.default})`;
  return columns(`${words}${value}`, text);
}

/** What a subcommand takes beside the flags of tracing, or in place of them. */
function ownFlags([name, { flags: own }]: [name: string, subcommand: Subcommand]): string[] {
  return Object.entries(own).flatMap(([long, flag]) => {
    const words = flag.short === undefined ? `--${long}` : `-${flag.short}, --${long}`;
    const usual = flag.default === undefined || flag.default === "0" ? "" : ` (default ${flag.default})`;
    return columns(`${name} ${words}${valueWord(flag)}`, flag.description + usual);
  });
}

/** A long flag has a line of its own. */
function columns(left: string, right: string): string[] {
  const wrapped = wrap(right, width - column);
  const first = left.length < column - 3 ? `  ${left}`.padEnd(column) + wrapped.shift() : `  ${left}`;
  return [first, ...wrapped.map((line) => " ".repeat(column) + line)];
}

export function valueWord({ value, optional }: Flag): string {
  if (value === undefined) return "";
  return optional ? `[=${value}]` : ` ${value}`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
