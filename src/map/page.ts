/** A map as one page of HTML that needs nothing else: it draws, and is searched, without a network. */
import { readFileSync } from "node:fs";
import libraryFile from "../../node_modules/cytoscape/dist/cytoscape.min.js" with { type: "file" };
import { printable } from "../bytes/escape.ts";
import { placeOf } from "../name/place.ts";
import { read } from "../proc/files.ts";
import type { MappedConnection } from "./graph.ts";
import pageFile from "./page.template" with { type: "file" };

/** The page's lines. */
export function pageOf(connections: readonly MappedConnection[]): string[] {
  const holders = new Map(
    connections
      .flatMap(({ sides }) => sides.flatMap((side) => side.holders))
      .map((one) => [one.pid, one.comm]),
  );
  const isWatched = connections.some(({ flows }) => flows !== undefined);
  const processes = [...holders].map(([pid, comm]) => ({
    pid,
    comm,
    // of an event's process it may be another life's by now
    group: isWatched ? "" : groupOf(pid),
  }));
  // within a script only this could end it
  const data = JSON.stringify({ processes, connections }).replaceAll("<", "\\u003c");
  const page = readFileSync(pageFile, "utf8");
  const library = readFileSync(libraryFile, "utf8");
  return page
    .replace("/*DATA*/", () => data)
    .replace("/*LIBRARY*/", () => library)
    .trimEnd()
    .split("\n");
}

/** The container or the unit of a process, "" for neither. */
function groupOf(pid: number): string {
  for (const line of read(`/proc/${pid}/cgroup`).split("\n")) {
    const { container, unit } = placeOf(line.slice(line.indexOf(":", line.indexOf(":") + 1) + 1));
    if (container !== null) return `container ${printable(container.name ?? container.id.slice(0, 12))}`;
    if (unit !== null && !unit.endsWith(".slice")) return printable(unit);
  }
  return "";
}
