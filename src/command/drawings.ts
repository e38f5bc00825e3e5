import { UsageError } from "../failure.ts";

/** How `ipcdump map` and --map draw, with the end of a file's name that asks for it. */
const endings = { text: ".txt", json: ".json", dot: ".dot", mermaid: ".mmd", html: ".html" } as const;

export type DrawingName = keyof typeof endings;
export const drawingNames = Object.keys(endings) as DrawingName[];

/** What a file's name asks for. @throws UsageError */
export function drawingFor(path: string): DrawingName {
  const found = drawingNames.find((name) => path.endsWith(endings[name]));
  if (found !== undefined) return found;
  throw new UsageError(
    `--map ${path}: the name says how to draw, and this one does not\nIts end is one of ${Object.values(endings).join(", ")}`,
  );
}
