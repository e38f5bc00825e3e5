/** What was measured: the median of paired rounds, how far they were apart, and what it should have been. */
export interface Figure {
  /** 1 to 9, as test/bench/run.ts lists them */
  row: number;
  name: string;
  value: number;
  least: number;
  most: number;
  unit: string;
  /** the most it may be; null: there is no target, the number is the point */
  target: number | null;
  /** what else there is to say, in a word or two */
  note: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function figure(
  row: number,
  name: string,
  values: readonly number[],
  unit: string,
  target: number | null = null,
  note = "",
): Figure {
  const least = Math.min(...values);
  return { row, name, value: median(values), least, most: Math.max(...values), unit, target, note };
}

/** Ratios of what was measured in the same round. */
export function ratios(these: readonly number[], those: readonly number[]): number[] {
  return these.map((value, round) => value / those[round]!);
}

export function verdict({ value, target }: Figure): "" | "met" | "missed" {
  if (target === null) return "";
  return value <= target ? "met" : "missed";
}
