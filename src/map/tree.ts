/** A map as text: a tree per process, each connection with the others at it. */
import type { Role } from "../host/connection.ts";
import {
  amountOf,
  type Blocked,
  type MappedConnection,
  type MappedHolder,
  type MappedSide,
} from "./graph.ts";

/** Lines, a process after the other by pid. */
export function treeOf(connections: readonly MappedConnection[]): string[] {
  const byProcess = new Map<number, { comm: string; lines: string[] }>();
  for (const connection of connections) {
    for (const side of connection.sides) {
      for (const holder of side.holders) {
        const own = byProcess.get(holder.pid) ?? { comm: holder.comm, lines: [] };
        byProcess.set(holder.pid, own);
        own.lines.push(line(connection, side, holder));
      }
    }
  }
  return [...byProcess]
    .sort(([a], [b]) => a - b)
    .flatMap(([pid, { comm, lines }]) => [
      `${pid}(${comm})`,
      ...lines.map((text, i) => `${i === lines.length - 1 ? "└─" : "├─"} ${text}`),
    ]);
}

/** Between a process and those at the other end, by its own. */
const arrows: Readonly<Record<Role, string>> = {
  writer: "->",
  reader: "<-",
  end: "<->",
  master: "<->",
  slave: "<->",
  mapping: "<->",
  listener: "",
  backlog: "<->",
  bound: "",
};
/** The ends whose name says something. */
const told: Readonly<Partial<Record<Role, string>>> = {
  listener: "listener",
  backlog: "not accepted",
  bound: "bound",
  master: "master",
  slave: "slave",
};

function line(connection: MappedConnection, side: MappedSide, holder: MappedHolder): string {
  const { kind, name } = connection;
  const fds = holder.fds.length === 0 ? "" : `fd ${holder.fds.join(",")} `;
  const inode = side.inode === 0 || kind === "pty" ? "" : `${side.inode}`;
  const what = [kind, inode, name === "<anonymous>" ? "" : name, told[side.role] ?? ""];
  const others =
    side.role === "mapping" ? side.holders.filter((other) => other !== holder) : across(connection, side);
  const arrow = arrows[side.role] === "" ? "" : ` ${arrows[side.role]} ${namesOf(others)}`;
  return `${fds}${what.filter((word) => word !== "").join(" ")}${arrow}${queuedAt(connection)}${flowsAt(connection, holder)}${blockedAt(connection.blocked)}`;
}

function across({ sides }: MappedConnection, side: MappedSide): MappedHolder[] {
  return sides.filter((other) => other !== side).flatMap(({ holders }) => holders);
}

function namesOf(holders: readonly MappedHolder[]): string {
  return holders.length === 0 ? "nobody" : holders.map(({ pid, comm }) => `${pid}(${comm})`).join(", ");
}

/** `, 4096 bytes queued` */
function queuedAt({ kind, sides, used, room }: MappedConnection): string {
  if (sides[0]!.role === "listener") return used === 0 ? "" : `, ${used} of ${room} not accepted`;
  if (kind === "mq") return used === 0 ? "" : `, ${used} of ${room} messages`;
  const queued = sides.map((side) => side.queued);
  const unit = /dgram|udp|seqpacket/.test(kind) ? "messages" : "bytes";
  return queued.every((count) => count === 0)
    ? ""
    : `, ${queued.filter((count) => count > 0).join(" and ")} ${unit} queued`;
}

/** `, 5 events, 1000 bytes sent`, as one of the two has it */
function flowsAt({ flows = [] }: MappedConnection, { pid }: MappedHolder): string {
  const sent = amountOf(flows.filter(({ from }) => from === pid));
  const received = amountOf(flows.filter(({ from, to }) => to === pid && from !== pid));
  return `${sent && `, ${sent} sent`}${received && `, ${received} received`}`;
}

function blockedAt(blocked: readonly Blocked[]): string {
  return blocked.length === 0
    ? ""
    : `, ${blocked.map(({ tid, call }) => `${tid} sleeps in ${call}`).join(", ")}`;
}
