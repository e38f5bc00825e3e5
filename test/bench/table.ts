import { type Figure, verdict } from "./figure.ts";

const HEAD = ["row", "what", "median", "spread", "target", "", "note"];

/** The figures as a table in Markdown, which docs/cost.md takes as it is. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { row, name, value, least, most, unit, target, note } = figure;
    return [
      String(row),
      name,
      `${number(value)}${unit}`,
      `${number(least)}–${number(most)}`,
      target === null ? "" : `≤ ${number(target)}${unit}`,
      verdict(figure),
      note,
    ];
  });
  const widths = HEAD.map((word, i) => Math.max(word.length, ...rows.map((cells) => cells[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [line(HEAD), rule, ...rows.map(line)].join("\n");
}

/** Three digits that say something. */
function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
