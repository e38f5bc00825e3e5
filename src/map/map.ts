/** `ipcdump map` shows who can talk to whom right now, without tracing. */
import type { DrawingName } from "../command/drawings.ts";
import { lookAtHost } from "../host/host.ts";
import { draw } from "./draw.ts";
import { mapOf } from "./graph.ts";

/** The map of what `words` mean, of everything without one, as text. @throws NativeError */
export function map(words: readonly string[], format: DrawingName): string {
  return draw(mapOf(lookAtHost(), words), format)
    .map((line) => `${line}\n`)
    .join("");
}
