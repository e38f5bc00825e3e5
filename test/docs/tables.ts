/**
 * The parts of our pages that follow from the code: kinds, what back ends can't see, flags.
 *
 *   bun test/docs/tables.ts       # writes them where they stand
 */
import { backends } from "../../ffi/program.ts";
import { help } from "../../src/command/help.ts";
import { kindWords } from "../../src/command/selection.ts";
import { kinds } from "../../src/kinds/index.ts";
import { subcommands } from "../../src/subcommand/index.ts";
import { writeMarked } from "./marked.ts";

function rows(lines: readonly (readonly string[])[]): string {
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function words(list: readonly string[]): string {
  return list.length === 0 ? "–" : list.map((word) => `\`${word}\``).join(", ");
}

function kindTable(): string {
  const lines = kinds.map(({ name, aliases, shows }) => [`\`${name}\``, words(aliases), shows]);
  return rows([["kind", "or", "an event is"], ["---", "---", "---"], ...lines]);
}

function blindTable(): string {
  const lines = kinds.map(({ name, blind, optional }) => {
    const lacking = Object.values(optional ?? {}).filter((word) => word !== null);
    return [`\`${name}\``, ...backends.map((one) => words(blind[one] ?? [])), words([...new Set(lacking)])];
  });
  const titles = ["not seen of", ...backends.map((one) => `by ${one}`), "where the kernel lacks the hook"];
  return rows([titles, titles.map(() => "---"), ...lines]);
}

/** Each part: the page, its mark, and what has to stand there. */
export const written: readonly (readonly [page: string, name: string, text: string])[] = [
  ["README.md", "kinds", kindTable()],
  ["docs/kinds.md", "kinds", kindTable()],
  ["docs/kernels.md", "blind", blindTable()],
  ["docs/flags.md", "flags", `\`\`\`\n${help(kindWords, subcommands, true)}\`\`\`\n`],
];

if (import.meta.main) for (const [page, name, text] of written) writeMarked(page, name, text);
