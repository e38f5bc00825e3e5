import { type Flag, type FlagName, flags, flagWords, groups } from "./flags.ts";

const width = 80;
/** where descriptions begin */
const column = 24;

const head = `Usage: ipcdump [FLAGS]
Shows interprocess communication on this host: who sent what to whom.`;

/** The original's one-liners that this version can do, and what they show. */
const examples: readonly [command: string, meaning: string][] = [
  ["ipcdump", "everything on the system"],
  ["ipcdump -t kill", "signals sent between any two processes"],
  ["ipcdump -t pipe -x -B 64 -f json", "pipe I/O as JSON, first 64 bytes too"],
];

/** The text of --help: 80 columns at most, ends with a newline. */
export function help(kindWords: readonly (readonly string[])[]): string {
  const lines = [head];
  for (const group of groups) {
    const names = (Object.keys(flags) as FlagName[]).filter((name) => flags[name].group === group);
    if (names.length === 0) continue;
    lines.push("", `${group[0]?.toUpperCase()}${group.slice(1)}:`);
    for (const name of names) lines.push(...entry(name, kindWords));
  }
  const longest = Math.max(...examples.map(([command]) => command.length));
  lines.push("", "Examples (as root):");
  for (const [command, meaning] of examples) lines.push(`  ${command.padEnd(longest)}  # ${meaning}`);
  return `${lines.join("\n")}\n`;
}

function entry(name: FlagName, kindWords: readonly (readonly string[])[]): string[] {
  const flag: Flag = flags[name];
  const words = flag.short === undefined ? `    ${flagWords(name)}` : flagWords(name);
  const left = `  ${words}${flag.value === undefined ? "" : ` ${flag.value}`}`;
  let text = flag.description;
  if (name === "type") {
    text += `, repeated or separated by commas: ${kindWords.map((words) => words.join("|")).join(" ")}`;
  }
  if (flag.default !== undefined) text += ` (default ${flag.default})`;
  const wrapped = wrap(text, width - column);
  // A long flag has a line of its own.
  const first = left.length < column - 1 ? left.padEnd(column) + wrapped.shift() : left;
  return [first, ...wrapped.map((line) => " ".repeat(column) + line)];
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
