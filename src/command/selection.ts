/** The meaning of -t: words → kinds. */

import { printable } from "../bytes/escape.ts";
import type { Kind } from "../event.ts";
import { UsageError } from "../failure.ts";
import { kinds } from "../kinds/index.ts";
import { nearest } from "./spelling.ts";

/** Words for several kinds, by the first of them. */
const groups = Map.groupBy(
  kinds.filter(({ group }) => group !== undefined),
  ({ group = [] }) => group[0]!,
);
const families = [...groups.values()].map((members) => ({
  words: members[0]!.group!,
  members: members.map(({ name }) => name),
}));

const everything: readonly string[] = ["all", "a"];

/** Every word -t takes, those that mean the same together, the longest first. */
export const kindWords: readonly (readonly string[])[] = [
  ...kinds.map(({ name, aliases }) => [name, ...aliases]),
  ...families.map(({ words }) => words),
  everything,
];

/**
 * The kinds that the words of -t mean without those of --not-type, in the table's order. `named` are those that a
 * word of their own named, not one of a family. No word means all.
 * @throws UsageError
 */
export function selectKinds(
  words: readonly string[],
  without: readonly string[],
): { kinds: Kind[]; named: Kind[] } {
  const { chosen, named } = read("-t", words.length === 0 ? everything.slice(0, 1) : words);
  const left = read("--not-type", without).chosen;
  const inOrder = kinds.map(({ name }) => name).filter((name) => !left.has(name));
  const selected = inOrder.filter((name) => chosen.has(name));
  if (selected.length === 0) throw new UsageError("--not-type leaves no kind to trace; leave out less");
  return { kinds: selected, named: inOrder.filter((name) => named.has(name)) };
}

function read(flag: string, words: readonly string[]): { chosen: Set<Kind>; named: Set<Kind> } {
  const chosen = new Set<Kind>();
  const named = new Set<Kind>();
  for (const word of words) {
    const kind = kinds.find(({ name, aliases }) => name === word || aliases.includes(word));
    const members = everything.includes(word)
      ? kinds.map(({ name }) => name)
      : (families.find((family) => family.words.includes(word))?.members ?? []);
    if (kind !== undefined) {
      named.add(kind.name);
      chosen.add(kind.name);
    } else if (members.length > 0) {
      for (const member of members) chosen.add(member);
    } else {
      throw unknownKind(flag, word);
    }
  }
  return { chosen, named };
}

function unknownKind(flag: string, word: string): UsageError {
  const known = kinds.map(({ name }) => name).join(", ");
  const near = nearest(word, kindWords.flat());
  const hint = near === null ? `one of ${known}, all` : `did you mean ${near}?`;
  return new UsageError(`${flag} ${printable(word)} is unknown; ${hint}`);
}
