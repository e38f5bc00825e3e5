import type { Output } from "../bytes/output.ts";
import type { Time } from "../event.ts";
import type { Format } from "./format.ts";

/** A format that prints nothing but a table, when it is asked. */
export interface Table extends Format {
  /** Writes all rows so far. */
  table(time: Time, out: Output): void;
}

/** Lines of cells, each column as wide as its widest cell; numbers are to the right. */
export function writeColumns(lines: readonly (readonly string[])[], firstNumber: number, out: Output): void {
  const columns = lines[0] ?? [];
  const widths = columns.map((_, i) => lines.reduce((most, line) => Math.max(most, line[i]!.length), 0));
  for (const line of lines) {
    const padded = line.map((cell, i) =>
      i < firstNumber ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
    );
    out.string(`${padded.join("  ")}\n`);
  }
}
