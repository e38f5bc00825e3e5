import type { DrawingName } from "../command/drawings.ts";
import { dotOf, mermaidOf } from "./drawing.ts";
import type { MappedConnection } from "./graph.ts";
import { pageOf } from "./page.ts";
import { treeOf } from "./tree.ts";

const drawings: Readonly<Record<DrawingName, (connections: readonly MappedConnection[]) => string[]>> = {
  text: treeOf,
  json: (connections) => connections.map((connection) => JSON.stringify(connection)),
  dot: dotOf,
  mermaid: mermaidOf,
  html: pageOf,
};

/** A map's lines. */
export function draw(connections: readonly MappedConnection[], name: DrawingName): string[] {
  return drawings[name](connections);
}
