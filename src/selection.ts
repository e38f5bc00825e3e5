/** What -t means: words → kinds. */
import type { Kind } from "./event.ts";
import { UsageError } from "./failure.ts";
import { printable } from "./format/escape.ts";
import { kinds } from "./kinds/index.ts";
import { nearest } from "./spelling.ts";

/** Kinds of the contract beside those this version traces: their names are no typos. */
const later: Partial<Record<Kind, readonly string[]>> = {
  "unix-stream": ["us"],
  "unix-dgram": ["ud"],
  "unix-seqpacket": ["uq"],
  "loopback-tcp": ["lt"],
  "loopback-udp": ["lu"],
  pty: ["t"],
};

const families: readonly { words: readonly string[]; members: readonly Kind[] }[] = [
  { words: ["unix", "u"], members: ["unix-stream", "unix-dgram", "unix-seqpacket"] },
  { words: ["loopback", "lo"], members: ["loopback-tcp", "loopback-udp"] },
];

const everything: readonly string[] = ["all", "a"];

/** Every word -t takes in this version, those that mean the same together, the longest first. */
export const kindWords: readonly (readonly string[])[] = [
  ...kinds.map(({ name, aliases }) => [name, ...aliases]),
  ...families.filter((family) => family.members.some(isTraced)).map(({ words }) => words),
  everything,
];

/**
 * The kinds that the words mean, in the table's order, and those that were named themselves rather
 * than as part of a family. No word means all.
 * @throws UsageError
 */
export function selectKinds(words: readonly string[]): { kinds: Kind[]; named: Kind[] } {
  const chosen = new Set<Kind>();
  const named = new Set<Kind>();
  for (const word of words.length === 0 ? everything.slice(0, 1) : words) {
    const kind = kinds.find(({ name, aliases }) => name === word || aliases.includes(word));
    const members = everything.includes(word)
      ? kinds.map(({ name }) => name)
      : (families.find((family) => family.words.includes(word))?.members ?? []).filter(isTraced);
    if (kind !== undefined) {
      named.add(kind.name);
      chosen.add(kind.name);
    } else if (members.length > 0) {
      for (const member of members) chosen.add(member);
    } else {
      throw unknownKind(word);
    }
  }
  const inOrder = kinds.map(({ name }) => name);
  return {
    kinds: inOrder.filter((name) => chosen.has(name)),
    named: inOrder.filter((name) => named.has(name)),
  };
}

function isTraced(kind: Kind): boolean {
  return kinds.some(({ name }) => name === kind);
}

function unknownKind(word: string): UsageError {
  const known = kinds.map(({ name }) => name).join(", ");
  const planned =
    families.some((family) => family.words.includes(word)) ||
    Object.entries(later).some(([name, aliases]) => name === word || aliases.includes(word));
  if (planned) return new UsageError(`-t ${word} is not traced by this version yet; it knows ${known}`);
  const near = nearest(word, kindWords.flat());
  const hint = near === null ? `one of ${known}, all` : `did you mean ${near}?`;
  return new UsageError(`-t ${printable(word)} is unknown; ${hint}`);
}
