/** A map as a drawing for other programs: dot of Graphviz, and Mermaid. */
import { amountOf, edgesOf, isOneWay, type MappedConnection } from "./graph.ts";

/** pid → its name, of all at a connection with others */
function processesOf(connections: readonly MappedConnection[]): Map<number, string> {
  const holders = connections.flatMap(({ sides }) => sides.flatMap((side) => side.holders));
  return new Map(holders.sort((a, b) => a.pid - b.pid).map(({ pid, comm }) => [pid, comm]));
}

/** The connections between each two processes, in words; those that go one way apart. */
function pairsOf(connections: readonly MappedConnection[]) {
  const groups = Map.groupBy(edgesOf(connections), ({ from, to, connection }) =>
    isOneWay(connection) ? `${from} > ${to}` : `${Math.min(from, to)} - ${Math.max(from, to)}`,
  );
  return [...groups.values()].map((edges) => {
    const names = edges.map(({ connection: { kind, name } }) =>
      name === "<anonymous>" || name === "" ? kind : `${kind} ${name}`,
    );
    const words = [...Map.groupBy(names, (name) => name)].map(([name, all]) =>
      all.length === 1 ? name : `${all.length} ${name}`,
    );
    const amount = amountOf(edges.flatMap(({ connection: { flows = [] } }) => flows));
    const label = [...words, amount].filter((line) => line !== "").join("\n");
    return { from: edges[0]!.from, to: edges[0]!.to, label, isOneWay: isOneWay(edges[0]!.connection) };
  });
}

/** A name for a process that needs no quotes, for one that nobody knows as well. */
function nodeOf(pid: number): string {
  return pid < 0 ? "unknown" : `p${pid}`;
}

/** For dot(1). */
export function dotOf(connections: readonly MappedConnection[]): string[] {
  const quoted = (text: string) => `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
  return [
    "digraph ipc {",
    "  node [shape=box, fontname=sans];",
    "  edge [fontname=sans, fontsize=9];",
    ...[...processesOf(connections)].map(
      ([pid, comm]) => `  ${nodeOf(pid)} [label=${quoted(`${comm}\n${pid}`)}];`,
    ),
    ...pairsOf(connections).map(
      ({ from, to, label, isOneWay }) =>
        `  ${nodeOf(from)} -> ${nodeOf(to)} [label=${quoted(label)}${isOneWay ? "" : ", dir=both"}];`,
    ),
    "}",
  ];
}

/** For Mermaid, as GitHub shows it. */
export function mermaidOf(connections: readonly MappedConnection[]): string[] {
  const quoted = (text: string) =>
    `"${text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\\", "&#92;").replaceAll("\n", "<br>")}"`;
  return [
    "flowchart LR",
    ...[...processesOf(connections)].map(([pid, comm]) => `  ${nodeOf(pid)}[${quoted(`${comm} ${pid}`)}]`),
    ...pairsOf(connections).map(
      ({ from, to, label, isOneWay }) =>
        `  ${nodeOf(from)} ${isOneWay ? "-->" : "<-->"}|${quoted(label)}| ${nodeOf(to)}`,
    ),
  ];
}
