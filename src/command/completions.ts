/** Completions for shells, made from the table of flags. */
import type { Flag } from "./flag.ts";
import { flags } from "./flags.ts";
import { kindWords } from "./selection.ts";
import type { Subcommand, Subcommands } from "./subcommand.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

interface NamedFlag extends Flag {
  readonly name: string;
}

function named(table: Readonly<Record<string, Flag>>): NamedFlag[] {
  return Object.entries(table).map(([name, flag]) => ({ name, ...flag }));
}

const entries: readonly NamedFlag[] = named(flags);

/** The flags that a subcommand takes: its own, and those of tracing where it traces. */
function flagsOf({ flags: own, traces }: Subcommand): NamedFlag[] {
  return [...named(own), ...(traces ? entries : [])];
}

/** The script for a shell, with its own instructions in a comment on top. */
export function completions(shell: Shell, subcommands: Subcommands): string {
  return scripts[shell](subcommands);
}

const scripts: Record<Shell, (subcommands: Subcommands) => string> = { bash, zsh, fish };

function words(flag: NamedFlag): string[] {
  return [...(flag.short === undefined ? [] : [`-${flag.short}`]), `--${flag.name}`];
}

/** The fixed values of a flag; null when there are none. */
function choices({ values }: NamedFlag): readonly string[] | null {
  if (values === "kind") return kindWords.flat();
  return values === undefined || typeof values === "string" ? null : values;
}

/** The arms of a case of bash for the flags that take values. */
function bashCases(flags: readonly NamedFlag[]): string[] {
  const takers = flags.filter(({ value }) => value !== undefined);
  return takers.map((flag) => {
    const fixed = choices(flag);
    let action = ":";
    if (fixed !== null) action = `_ipcdump_words '${fixed.join(" ")}'`;
    else if (flag.values === "file") action = 'COMPREPLY=($(compgen -f -- "$word"))';
    else if (flag.values === "pid") action = '_ipcdump_words "$(cd /proc && echo [0-9]*)"';
    else if (flag.values === "comm") action = `_ipcdump_words ${bashNames}`;
    // a value that may be left out is completed behind its equals sign only
    const isAsked = flag.optional ? "[[ $word$previous == *=* ]] && " : "";
    return `    ${words(flag).join("|")}) ${isAsked}{ ${action}; return; } ;;`;
  });
}

const bashNames = '"$(cat /proc/[0-9]*/comm 2>/dev/null | sort -u)"';

/** What bash does behind a subcommand's name. */
function bashCommand(name: string, subcommand: Subcommand): string {
  const own = flagsOf(subcommand);
  const { operands = [] } = subcommand;
  const cases = bashCases(own);
  const offered = [...own.flatMap(words), ...(subcommand.traces ? ["--"] : [])].join(" ");
  const others =
    operands === "comm" ? `'${offered} '${bashNames}` : `'${[...operands, offered].join(" ").trim()}'`;
  const values = cases.length === 0 ? "" : `    case $flag in\n${cases.join("\n")}\n    esac\n`;
  return `  if ((COMP_CWORD > 1)) && [[ \${COMP_WORDS[1]} == ${name} ]]; then\n${values}    _ipcdump_words ${others}\n    return\n  fi`;
}

function bash(subcommands: Subcommands): string {
  return `# ipcdump completions for bash; to use them now: source <(ipcdump completions bash)
_ipcdump_words() {
  # the last of a list with commas is completed, what stands before it stays
  local head=''
  [[ $word == *,* ]] && head=\${word%,*},
  local IFS=$' \\n'
  COMPREPLY=($(compgen -P "$head" -W "$1" -- "\${word##*,}"))
}
_ipcdump() {
  local word=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD-1]} i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} == -- ]]; then
      if declare -F _command_offset >/dev/null; then _command_offset $((i + 1))
      elif ((i + 1 == COMP_CWORD)); then COMPREPLY=($(compgen -c -- "$word"))
      else COMPREPLY=($(compgen -f -- "$word")); fi
      return
    fi
  done
  # --flag=value comes as three words, -xt as a bundle whose last flag takes the value
  local previous=$flag
  if [[ $word == = ]]; then previous='=' word=''
  elif [[ $flag == = ]]; then flag=\${COMP_WORDS[COMP_CWORD-2]}
  elif [[ $flag == -[!-]* ]]; then flag=-\${flag: -1}; fi
${Object.entries(subcommands)
  .map(([name, subcommand]) => bashCommand(name, subcommand))
  .join("\n")}
  case $flag in
${bashCases(entries).join("\n")}
  esac
  _ipcdump_words '${entries.flatMap(words).join(" ")} --'
  if ((COMP_CWORD == 1)); then
    COMPREPLY+=($(compgen -W '${Object.keys(subcommands).join(" ")}' -- "$word"))
  fi
}
complete -o filenames -F _ipcdump ipcdump
`;
}

/** names of processes: their files are read when completing, the pattern is zsh's own for numbers */
const zshNames = `{compadd -- \${(f)"$(cat /proc/<->/comm(N) 2>/dev/null)"}}`;

/** What _arguments of zsh takes for flags. */
function zshSpecs(flags: readonly NamedFlag[]): string[] {
  return flags.flatMap((flag) => {
    const description = flag.description.replace(/[[\]:\\]/g, "\\$&").replaceAll("'", "'\\''");
    const repeats = flag.list === true ? "*" : "";
    return words(flag).map((word) => {
      if (flag.value === undefined) return `    '${repeats}${word}[${description}]'`;
      const fixed = choices(flag);
      let action = "";
      if (fixed !== null)
        action = flag.list ? `_sequence compadd - ${fixed.join(" ")}` : `(${fixed.join(" ")})`;
      else if (flag.values === "file") action = "_files";
      else if (flag.values === "pid") action = "_sequence _pids";
      else if (flag.values === "comm") action = zshNames;
      const sign = flag.optional ? "=-" : word.startsWith("--") ? "=" : "+";
      const colons = flag.optional ? "::" : ":";
      return `    '${repeats}${word}${sign}[${description}]${colons}${flag.value}:${action}'`;
    });
  });
}

/** What zsh does behind a subcommand's name. */
function zshCommand(name: string, subcommand: Subcommand): string {
  const { operands = [] } = subcommand;
  const rest = operands === "comm" ? zshNames : `(${operands.join(" ")})`;
  const specs = [
    ...zshSpecs(flagsOf(subcommand)),
    ...(operands.length === 0 ? [] : [`    '*:${subcommand.usage.replace(/[[\]:\\]/g, "")}:${rest}'`]),
  ];
  if (specs.length === 0) return `      ${name}) return ;;`;
  return `      ${name}) shift words; ((CURRENT--)); _arguments -s -S : \\\n${specs.join(" \\\n")}\n        return ;;`;
}

function zsh(subcommands: Subcommands): string {
  return `#compdef ipcdump
# ipcdump completions for zsh; to keep them: ipcdump completions zsh >"\${fpath[1]}/_ipcdump"
_ipcdump() {
  local separator=\${words[(i)--]}
  if ((separator < CURRENT)); then
    words=("\${(@)words[separator + 1, -1]}")
    ((CURRENT -= separator))
    _normal
    return
  fi
  if ((CURRENT > 2)); then
    case $words[2] in
${Object.entries(subcommands)
  .map(([name, subcommand]) => zshCommand(name, subcommand))
  .join("\n")}
    esac
  elif ((CURRENT == 2)) && [[ $words[2] != -* ]]; then
    compadd -- ${Object.keys(subcommands).join(" ")}
  fi
  _arguments -s -S : \\
${zshSpecs(entries).join(" \\\n")}
}
if [[ $funcstack[1] == _ipcdump ]]; then _ipcdump "$@"; else compdef _ipcdump ipcdump; fi
`;
}

const fishQuoted = (text: string) => `'${text.replace(/['\\]/g, "\\$&")}'`;

/** The flags as fish takes them, where a condition of its own holds. */
function fishFlags(flags: readonly NamedFlag[], condition: string): string[] {
  return flags.map((flag) => {
    const fixed = choices(flag);
    const parts = [`complete -c ipcdump -n ${condition}`];
    if (flag.short !== undefined) parts.push(`-s ${flag.short}`);
    parts.push(`-l ${flag.name}`);
    if (flag.values === "file") parts.push("-rF");
    else if (flag.value !== undefined) parts.push(flag.optional ? "-f" : "-x");
    if (fixed !== null) {
      const list = flag.list ? `(__fish_append , ${fixed.join(" ")})` : fixed.join(" ");
      parts.push(`-a ${fishQuoted(list)}`);
    } else if (flag.values === "pid") parts.push("-a '(__fish_complete_pids)'");
    else if (flag.values === "comm") parts.push(`-a '${fishNames}'`);
    return [...parts, `-d ${fishQuoted(flag.description)}`].join(" ");
  });
}

const fishNames = "(cat /proc/*/comm 2>/dev/null | sort -u)";

/** What fish offers for a subcommand, and behind its name. */
function fishCommand(name: string, { description, flags, operands = [] }: Subcommand): string[] {
  const behind = fishQuoted(`__ipcdump_behind ${name}`);
  const words = operands === "comm" ? fishNames : operands.join(" ");
  return [
    `complete -c ipcdump -n __ipcdump_first -a ${name} -d ${fishQuoted(description)}`,
    ...(words === "" ? [] : [`complete -c ipcdump -n ${behind} -a ${fishQuoted(words)}`]),
    ...fishFlags(named(flags), behind),
  ];
}

function fish(subcommands: Subcommands): string {
  const all = Object.entries(subcommands);
  const others = all.filter(([, { traces }]) => !traces).map(([name]) => name);
  return `# ipcdump completions for fish; to keep them:
# ipcdump completions fish >~/.config/fish/completions/ipcdump.fish
function __ipcdump_flags
  set -l words (commandline -opc)
  not contains -- -- $words; and not contains -- "$words[2]" ${others.join(" ")}
end
function __ipcdump_first
  test (count (commandline -opc)) -eq 1
end
function __ipcdump_behind
  set -l words (commandline -opc)
  not contains -- -- $words; and test "$words[2]" = $argv[1]
end
complete -c ipcdump -f
${all.flatMap(([name, subcommand]) => fishCommand(name, subcommand)).join("\n")}
complete -c ipcdump -n 'contains -- -- (commandline -opc)' -F -a '(__fish_complete_command)'
${fishFlags(entries, "__ipcdump_flags").join("\n")}
`;
}
