/** The map of a host: its connections with names for everything, and those that a word asks for. */
import { printable } from "../bytes/escape.ts";
import { span } from "../format/messagetext.ts";
import type { Connection, Role } from "../host/connection.ts";
import type { Host } from "../host/host.ts";
import { mappings } from "../host/mapping.ts";
import { commOf } from "../proc/files.ts";

/** A process at an end of a connection. */
export interface MappedHolder {
  pid: number;
  comm: string;
  fds: number[];
}

export interface MappedSide {
  role: Role;
  inode: number;
  queued: number;
  holders: MappedHolder[];
}

/** A thread that sleeps in a call on a connection. */
export interface Blocked {
  pid: number;
  tid: number;
  call: string;
}

/** What went one way over a connection. */
export interface Flow {
  from: number;
  to: number;
  events: number;
  bytes: number;
  /** how many of the events name an end by a guess */
  guessed: number;
  /** of those events that were answers to requests: how many, and within what time the half, 95 and 99 of 100 came */
  answers?: number;
  p50_ns?: number;
  p95_ns?: number;
  p99_ns?: number;
}

export interface MappedConnection {
  kind: string;
  number: number;
  name: string;
  used: number;
  room: number;
  sides: MappedSide[];
  blocked: Blocked[];
  /** where events were seen: each way that bytes went; a look at the host has none */
  flows?: Flow[];
}

/** An end of a connection and another: whatever process has the first can speak to those that have the second. */
export interface Edge {
  from: number;
  to: number;
  connection: MappedConnection;
}

/** The connections of a host, of those the ones that a word means: all, or those of a process or of a name. */
export function mapOf(host: Host, words: readonly string[]): MappedConnection[] {
  const blocked = blockedIn(host);
  const comms = new Map([...host.waits.keys()].map((pid) => [pid, printable(commOf(pid))]));
  const connections = [...host.connections.all, ...mappings([...host.waits.keys()])]
    .map((connection) => mapped(connection, blocked.get(connection) ?? [], comms))
    .sort((a, b) => a.kind.localeCompare(b.kind) || a.name.localeCompare(b.name) || a.number - b.number);
  return words.length === 0
    ? connections
    : connections.filter((connection) => words.some((word) => isMeant(connection, word)));
}

function mapped(
  { kind, number, name, used, room, sides }: Connection,
  blocked: Blocked[],
  comms: ReadonlyMap<number, string>,
): MappedConnection {
  return {
    kind,
    number,
    name,
    used,
    room,
    sides: sides.map(({ role, inode, queued, holders }) => ({
      role,
      inode,
      queued,
      holders: [...holders].map(([pid, fds]) => ({
        pid,
        comm: comms.get(pid) ?? printable(commOf(pid)),
        fds,
      })),
    })),
    blocked,
  };
}

function blockedIn({ waits, connections }: Host): Map<Connection, Blocked[]> {
  const found = new Map<Connection, Blocked[]>();
  for (const { thread } of [...waits.values()].flat()) {
    const opening = thread.call === null ? null : connections.at(thread.pid, thread.ints[0]!);
    if (opening === null || !onDescriptor.has(thread.call!)) continue;
    const { pid, tid, call } = thread;
    found.set(opening.connection, [...(found.get(opening.connection) ?? []), { pid, tid, call: call! }]);
  }
  return found;
}

/** Calls whose first argument is the descriptor they sleep on. */
const onDescriptor: ReadonlySet<string> = new Set([
  ...[
    "read",
    "readv",
    "pread64",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "mq_timedreceive",
    "write",
    "writev",
    "sendto",
  ],
  ...[
    "sendmsg",
    "sendmmsg",
    "mq_timedsend",
    "accept",
    "accept4",
    "connect",
    "sendfile",
    "splice",
    "tee",
    "vmsplice",
  ],
]);

/** A pid, a process name, a path, or a part of a path that begins with a slash or @. */
function isMeant({ name, sides, number }: MappedConnection, word: string): boolean {
  const text = printable(word);
  const holders = sides.flatMap((side) => side.holders);
  if (/^\d+$/.test(word)) return number === Number(word) || holders.some(({ pid }) => pid === Number(word));
  return (
    holders.some(({ comm }) => comm === text) ||
    name === text ||
    (/^[/@]/.test(word) && name.startsWith(text))
  );
}

/** Whether what is said goes one way only. */
export function isOneWay({ kind, flows }: MappedConnection): boolean {
  return flows === undefined ? kind === "pipe" || kind === "mq" : flows.length === 1;
}

/** `5 events, 1000 bytes`: what went over connections, in words; nothing where none were watched. */
export function amountOf(flows: readonly Flow[]): string {
  const sum = (of: (flow: Flow) => number) => flows.reduce((total, flow) => total + of(flow), 0);
  const guessed = sum((flow) => flow.guessed);
  const [events, bytes] = [sum((flow) => flow.events), sum((flow) => flow.bytes)];
  const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const words = [counted(events, "event"), counted(bytes, "byte")];
  if (guessed > 0) words.push(`${guessed} guessed`);
  for (const { answers = 0, p50_ns = 0, p99_ns = 0 } of flows)
    if (answers > 0) words.push(`${counted(answers, "answer")} in ${span(p50_ns)} (p99 ${span(p99_ns)})`);
  return flows.length === 0 ? "" : words.join(", ");
}

/** Who can speak to whom: each holder of an end with each of the other end; of a mapping every two that have it. */
export function edgesOf(connections: readonly MappedConnection[]): Edge[] {
  return connections.flatMap((connection) => {
    const [first, second] = connection.sides as [MappedSide, MappedSide?];
    if (second === undefined && first.role !== "mapping") return [];
    const others = (second ?? first).holders;
    const pairs = first.holders.flatMap((a) => others.map((b) => ({ from: a.pid, to: b.pid, connection })));
    return pairs.filter(({ from, to }) =>
      second === undefined ? from < to : from !== to || isOneWay(connection),
    );
  });
}
