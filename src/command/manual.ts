/** The manual page, made from the tables of flags, kinds and subcommands. */
import { kinds } from "../kinds/index.ts";
import { type Flag, groups } from "./flag.ts";
import { type FlagName, flags } from "./flags.ts";
import { examples, valueWord } from "./help.ts";
import type { Subcommand, Subcommands } from "./subcommand.ts";

const statuses: readonly [status: string, meaning: string][] = [
  ["0", "it was asked to end, or has shown as many events as it was to."],
  ["1", "it could not trace, read or write; one or two lines on stderr say why, and the remedy."],
  ["2", "the words of the command line are wrong."],
];

/**
 * A page for man(1), in the language of man(7).
 * @param version of ipcdump
 */
export function manual(version: string, subcommands: Subcommands): string {
  const lines = [
    `.TH IPCDUMP 1 "" "ipcdump ${roff(version)}" "User Commands"`,
    ".SH NAME",
    "ipcdump \\- shows interprocess communication on this host: who sent what to whom",
    ".SH SYNOPSIS",
    ...synopsis("", "[FLAGS]"),
    ...synopsis("", "[FLAGS] -- CMD ARGS..."),
    ...Object.entries(subcommands).flatMap(([name, { usage }]) => synopsis(name, usage)),
    ".SH DESCRIPTION",
    "A line is one transfer or one signal: time, kind, source, destination, and the facts about it.",
    "Events go to stdout, everything else to stderr.",
    "Earlier events than the line that begins with \\(lqtracing\\(rq may be missed.",
    "Ctrl\\-C ends it with the totals.",
    "Tracing needs root, or four capabilities.",
    ".SH KINDS",
    ...kinds.flatMap(({ name, aliases, shows }) =>
      item([name, ...aliases].map((word) => bold(word)).join(", "), [roff(shows)]),
    ),
    ".SH OPTIONS",
    "A value may be given as \\-\\-flag=value, too. Flags that take several values may be repeated, or have them",
    "separated by commas (\\e, is a comma).",
    ...groups.flatMap((group) => [`.SS "${group[0]?.toUpperCase()}${group.slice(1)}"`, ...optionsOf(group)]),
    ".SH SUBCOMMANDS",
    ...Object.entries(subcommands).flatMap(describe),
    ".SH EXIT STATUS",
    "That of CMD, where one was started; else",
    ...statuses.flatMap(([status, meaning]) => item(bold(status), [meaning])),
    ".SH EXAMPLES",
    ...examples.flatMap(([command, meaning]) => item(bold(command), [roff(meaning)])),
  ];
  return `${lines.join("\n")}\n`;
}

function synopsis(name: string, usage: string): string[] {
  return [".br", [bold(`ipcdump${name === "" ? "" : ` ${name}`}`), roff(usage)].join(" ").trimEnd()];
}

function optionsOf(group: string): string[] {
  const named = Object.entries<Flag>(flags).map(([name, flag]) => ({ name: name as FlagName, flag }));
  const own = named.filter(({ flag }) => flag.group === group);
  return own
    .filter(({ flag }) => flag.beside === undefined)
    .flatMap(({ name, flag }) => {
      // what only makes sense beside another stands in its paragraph
      const besides = own.filter(({ flag: { beside } }) => beside === name);
      const more = besides.flatMap(({ name, flag }) => [".br", `${words(name, flag)}: ${said(flag)}`]);
      return item(words(name, flag), [said(flag), ...more]);
    });
}

function describe([name, { usage, description, flags: own }]: [
  name: string,
  subcommand: Subcommand,
]): string[] {
  const lines = Object.entries(own).flatMap(([long, flag]) => [".br", `${words(long, flag)}: ${said(flag)}`]);
  return item(`${bold(name)} ${roff(usage)}`.trimEnd(), [roff(description), ...lines]);
}

/** `-t, --type KIND`, as man pages have it */
function words(name: string, flag: Flag): string {
  const short = flag.short === undefined ? "" : `${bold(`-${flag.short}`)}, `;
  return short + bold(`--${name}`) + roff(valueWord(flag)).replace(/[A-Z]+/, "\\fI$&\\fR");
}

function said({ description, default: usual, values }: Flag): string {
  // of a number that is not limited the description says so
  const given = usual === undefined || usual === "0" ? "" : ` (default ${usual})`;
  const isListed =
    typeof values === "object" && values.length < 10 && !description.includes(values.join(", "));
  const listed = isListed ? `: ${values.join(", ")}` : "";
  return roff(description + listed + given);
}

function item(head: string, lines: readonly string[]): string[] {
  return [".TP", head, ...lines];
}

function bold(text: string): string {
  return `\\fB${roff(text)}\\fR`;
}

/** What roff would take for its own is written out. */
function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/, "\\&$&");
}
