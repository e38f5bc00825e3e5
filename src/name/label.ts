/** What tells a process apart from others of its name, in few words: `[walwriter]`, `[server.js]`, `[worker] in web-7f9c`. */
import { escapeText } from "../bytes/escape.ts";
import { Output } from "../bytes/output.ts";
import type { Identity } from "../identity.ts";

type Untitled = Omit<Identity, "label" | "title">;

const longest = 32;
const shown = 12;
const parenthesis = 0x29;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** programs whose first word that is no flag is the program that they run */
const interpreters =
  /^(?:node|nodejs|deno|bun|python[\d.]*|pypy[\d.]*|perl[\d.]*|ruby[\d.]*|php[\d.]*|lua[\d.]*|java|Rscript|guile|tclsh[\d.]*|wish[\d.]*|bash|dash|sh|zsh|ksh|fish|ash|busybox|env|sudo|nohup|timeout|setsid)$/;
/** their flags that have a value of their own */
const valued = /^-(?:cp|classpath|W|X|r|I|e|E|O)$/;

/** The words in brackets; empty when there is nothing to say beyond the name. */
function distinction(comm: Uint8Array, { args, exe }: Untitled): string {
  const name = decoder.decode(comm);
  const words = args.map((arg) => decoder.decode(arg));
  const program = exe === null ? "" : baseName(decoder.decode(exe));
  const title = titleOf(words, name);
  if (title !== null) return cut(title);
  // it was renamed, or is a script: its program says more
  if (program !== "" && name !== "" && !program.startsWith(name) && !name.startsWith(program))
    return cut(program);
  return cut(
    interpreters.test(program) || interpreters.test(name) ? runBy(words) : (firstPlain(words.slice(1)) ?? ""),
  );
}

/** `postgres: walwriter`, which a process wrote over its arguments: without what its name says already */
function titleOf([first = "", ...others]: readonly string[], name: string): string | null {
  const [, head, rest] = /^([^\s:/]+): +(.*)$/s.exec(first) ?? [];
  if (head === undefined || rest === undefined || others.some((word) => word !== "")) return null;
  return head === name ? rest : first;
}

function runBy(words: readonly string[]): string {
  for (let i = 1; i < words.length; i++) {
    const word = words[i]!;
    if (word === "-c") return `-c ${words[i + 1] ?? ""}`.trimEnd();
    if (word === "-m" || word === "-jar") return baseName(words[i + 1] ?? "");
    if (valued.test(word)) i++;
    else if (!word.startsWith("-") && word !== "") return baseName(word);
  }
  return "";
}

function firstPlain(words: readonly string[]): string | null {
  const word = words.find((word) => word !== "" && !word.startsWith("-"));
  return word === undefined ? null : baseName(word);
}

function baseName(path: string): string {
  return /([^/]+)\/*$/.exec(path)?.[1] ?? path;
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}

/** The container's name or the beginning of its id, else the pod's; empty outside of both. */
function placeName({ container, pod }: Untitled): string {
  if (container !== null) return container.name ?? container.id.slice(0, shown);
  return pod === null ? "" : (pod.name ?? pod.uid);
}

/** How text names a process of this name: `node[server.js] in web-7f9c`. */
export function titled(comm: Uint8Array, identity: Untitled): Pick<Identity, "label" | "title"> {
  const words = distinction(comm, identity);
  const place = placeName(identity);
  const said = encoder.encode(`${words === "" ? "" : `[${words}]`}${place === "" ? "" : ` in ${place}`}`);
  const out = new Output(said.length * 4);
  escapeText(said, 0, said.length, out, parenthesis);
  const title = new Uint8Array(comm.length + said.length);
  title.set(comm);
  title.set(said, comm.length);
  return { label: out.bytes.slice(0, out.length), title };
}
