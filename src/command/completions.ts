/** Completions for shells, made from the table of flags. */
import type { Flag } from "./flag.ts";
import { commands, type FlagName, flags, type Shell, shells } from "./flags.ts";
import { kindWords } from "./selection.ts";

interface NamedFlag extends Flag {
  readonly name: string;
}

const entries: readonly NamedFlag[] = (Object.keys(flags) as FlagName[]).map((name) => ({
  name,
  ...flags[name],
}));
const commandNames = Object.keys(commands);

/** The script for a shell, with its own instructions in a comment on top. */
export function completions(shell: Shell): string {
  return scripts[shell]();
}

const scripts: Record<Shell, () => string> = { bash, zsh, fish };

function words(flag: NamedFlag): string[] {
  return [...(flag.short === undefined ? [] : [`-${flag.short}`]), `--${flag.name}`];
}

/** The fixed values of a flag; null when there are none. */
function choices({ values }: NamedFlag): readonly string[] | null {
  if (values === "kind") return kindWords.flat();
  return values === undefined || typeof values === "string" ? null : values;
}

function bash(): string {
  const takers = entries.filter(({ value }) => value !== undefined);
  const cases = takers.map((flag) => {
    const fixed = choices(flag);
    let action = ":";
    if (fixed !== null) action = `_ipcdump_words '${fixed.join(" ")}'`;
    else if (flag.values === "file") action = 'COMPREPLY=($(compgen -f -- "$word"))';
    else if (flag.values === "pid") action = '_ipcdump_words "$(cd /proc && echo [0-9]*)"';
    else if (flag.values === "comm")
      action = '_ipcdump_words "$(cat /proc/[0-9]*/comm 2>/dev/null | sort -u)"';
    // a value that may be left out is completed behind its equals sign only
    const isAsked = flag.optional ? "[[ $word$previous == *=* ]] && " : "";
    return `    ${words(flag).join("|")}) ${isAsked}{ ${action}; return; } ;;`;
  });
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
  case \${COMP_WORDS[1]} in
    completions) ((COMP_CWORD == 2)) && _ipcdump_words '${shells.join(" ")}'; ((COMP_CWORD > 1)) && return ;;
    doctor) ((COMP_CWORD == 2)) && _ipcdump_words '--json'; ((COMP_CWORD > 1)) && return ;;
  esac
  # --flag=value comes as three words, -xt as a bundle whose last flag takes the value
  local previous=$flag
  if [[ $word == = ]]; then previous='=' word=''
  elif [[ $flag == = ]]; then flag=\${COMP_WORDS[COMP_CWORD-2]}
  elif [[ $flag == -[!-]* ]]; then flag=-\${flag: -1}; fi
  case $flag in
${cases.join("\n")}
  esac
  _ipcdump_words '${entries.flatMap(words).join(" ")} --'
  if ((COMP_CWORD == 1)); then
    COMPREPLY+=($(compgen -W '${commandNames.join(" ")}' -- "$word"))
  fi
}
complete -o filenames -F _ipcdump ipcdump
`;
}

/** names of processes: their files are read when completing, the pattern is zsh's own for numbers */
const zshNames = `{compadd -- \${(f)"$(cat /proc/<->/comm(N) 2>/dev/null)"}}`;

function zsh(): string {
  const specs = entries.flatMap((flag) => {
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
      completions) ((CURRENT == 3)) && compadd -- ${shells.join(" ")}; return ;;
      doctor) compadd -- --json; return ;;
    esac
  elif ((CURRENT == 2)) && [[ $words[2] != -* ]]; then
    compadd -- ${commandNames.join(" ")}
  fi
  _arguments -s -S : \\
${specs.join(" \\\n")}
}
if [[ $funcstack[1] == _ipcdump ]]; then _ipcdump "$@"; else compdef _ipcdump ipcdump; fi
`;
}

function fish(): string {
  const quoted = (text: string) => `'${text.replace(/['\\]/g, "\\$&")}'`;
  const lines = entries.map((flag) => {
    const fixed = choices(flag);
    const parts = ["complete -c ipcdump -n __ipcdump_flags"];
    if (flag.short !== undefined) parts.push(`-s ${flag.short}`);
    parts.push(`-l ${flag.name}`);
    if (flag.values === "file") parts.push("-rF");
    else if (flag.value !== undefined) parts.push(flag.optional ? "-f" : "-x");
    if (fixed !== null) {
      const list = flag.list ? `(__fish_append , ${fixed.join(" ")})` : fixed.join(" ");
      parts.push(`-a ${quoted(list)}`);
    } else if (flag.values === "pid") parts.push("-a '(__fish_complete_pids)'");
    else if (flag.values === "comm") parts.push("-a '(cat /proc/*/comm 2>/dev/null | sort -u)'");
    return [...parts, `-d ${quoted(flag.description)}`].join(" ");
  });
  const own = Object.entries(commands).map(
    ([name, { description }]) =>
      `complete -c ipcdump -n __ipcdump_first -a ${name} -d ${quoted(description)}`,
  );
  return `# ipcdump completions for fish; to keep them:
# ipcdump completions fish >~/.config/fish/completions/ipcdump.fish
function __ipcdump_flags
  set -l words (commandline -opc)
  not contains -- -- $words; and not contains -- "$words[2]" ${commandNames.join(" ")}
end
function __ipcdump_first
  test (count (commandline -opc)) -eq 1
end
complete -c ipcdump -f
${own.join("\n")}
complete -c ipcdump -n '__fish_seen_subcommand_from completions' -a ${quoted(shells.join(" "))}
complete -c ipcdump -n '__fish_seen_subcommand_from doctor' -l json -d 'as JSON'
complete -c ipcdump -n 'contains -- -- (commandline -opc)' -F -a '(__fish_complete_command)'
${lines.join("\n")}
`;
}
