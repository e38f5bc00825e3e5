/** `ipcdump map` shows who can talk to whom right now, without tracing. */

import { lookAtHost } from "../host/host.ts";
import type { DrawingName } from "./choice.ts";
import { dotOf, mermaidOf } from "./drawing.ts";
import { type MappedConnection, mapOf } from "./graph.ts";
import { pageOf } from "./page.ts";
import { treeOf } from "./tree.ts";

const drawings: Readonly<Record<DrawingName, (connections: readonly MappedConnection[]) => string[]>> = {
  text: treeOf,
  json: (connections) => connections.map((connection) => JSON.stringify(connection)),
  dot: dotOf,
  mermaid: mermaidOf,
  html: pageOf,
};

/** The map of what `words` mean, of everything without one, as text. @throws NativeError */
export function map(words: readonly string[], format: DrawingName): string {
  const lines = drawings[format](mapOf(lookAtHost(), words));
  return lines.map((line) => `${line}\n`).join("");
}
