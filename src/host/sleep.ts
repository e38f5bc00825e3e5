/** From the call that a thread sleeps in to what it waits for. */
import { printable } from "../bytes/escape.ts";
import { listening } from "../proc/descriptors.ts";
import type { Opening, Side } from "./connection.ts";
import { futexWait } from "./futex.ts";
import { lockWait } from "./locks.ts";
import { type Polled, polledOf } from "./polled.ts";
import { queueWait, semaphoreWait } from "./sysv.ts";
import { memoryOf, type Thread } from "./thread.ts";
import { type Doing, type Found, type Known, open, type Wait } from "./wait.ts";

/** bytes of a path looked at */
const longestPath = 256;

const stopped: Readonly<Record<string, string>> = { T: "is stopped", t: "is stopped by a debugger" };
/** of a thread that waits for nobody */
const running: Readonly<Record<string, string>> = {
  R: "runs",
  D: "sleeps in the kernel, uninterruptibly",
  Z: "has ended, and its parent has not asked how",
  X: "has ended",
  I: "is idle",
};

/** What a thread waits for. */
export function waitOf(thread: Thread, around: Known): Wait {
  return { thread, ...found(thread, around) };
}

function found(thread: Thread, around: Known): Found {
  const halted = stopped[thread.state];
  if (halted !== undefined) return { text: halted, whose: "", by: [], isOpen: false, isFull: false };
  if (thread.call === null && thread.state !== "S") return open(running[thread.state] ?? "runs");
  const { call, ints, pid } = thread;
  switch (call) {
    case "read":
    case "readv":
    case "pread64":
    case "recvfrom":
    case "recvmsg":
    case "recvmmsg":
    case "mq_timedreceive":
      return onDescriptor(pid, ints[0]!, "reads", around);
    case "write":
    case "writev":
    case "sendto":
    case "sendmsg":
    case "sendmmsg":
    case "mq_timedsend":
      return onDescriptor(pid, ints[0]!, "writes", around);
    case "accept":
    case "accept4":
      return onDescriptor(pid, ints[0]!, "accepts", around);
    case "connect":
      return connecting(thread, around);
    case "sendfile":
      return onDescriptor(pid, ints[0]!, "writes", around);
    case "splice":
    case "tee":
      return either(pid, ints[0]!, ints[call === "splice" ? 2 : 1]!, around);
    case "vmsplice":
      return onDescriptor(pid, ints[0]!, "writes", around);
    case "wait4":
    case "waitid":
      return forChild(thread, around);
    case "futex":
      return futexWait(thread);
    case "flock":
    case "fcntl":
      return lockWait(thread);
    case "poll":
    case "ppoll":
    case "select":
    case "pselect6":
    case "epoll_wait":
    case "epoll_pwait":
    case "epoll_pwait2":
      return polling(thread, around);
    case "open":
    case "openat":
      return opening(thread);
    case "msgsnd":
    case "msgrcv":
      return queueWait(thread);
    case "semop":
    case "semtimedop":
      return semaphoreWait(thread);
    case null:
      return open("sleeps in the kernel");
  }
  return open(call === "pause" || call.startsWith("rt_sig") ? "waits for a signal" : "sleeps for a time");
}

/** What it is to read from, or write to, a descriptor, when that sleeps. */
export function onDescriptor(pid: number, fd: number, doing: Doing, { connections }: Known): Found {
  const opening = connections.at(pid, fd);
  if (opening === null) return open(`${doing} descriptor ${fd}`);
  const { connection } = opening;
  const name = describe(opening);
  if (doing === "accepts") return open(`waits for a connection at ${name}`);
  const [other, whose] = otherSide(opening, doing);
  const by = [...(other?.holders.keys() ?? [])];
  const isFull = doing === "writes";
  const state =
    connection.isStopped && isFull ? "stopped by Ctrl-S" : isFull ? fullness(opening, other) : "empty";
  return {
    text: `${doing} ${name}, ${state}`,
    whose,
    by,
    // its holder is not shown here, or anybody may send
    isOpen: by.length === 0 || (other === null && !isFull),
    isFull,
  };
}

function fullness({ connection, descriptor }: Opening, other: Side | null): string {
  if (connection.kind === "pipe") {
    const reader = connection.sides[1]!;
    return `full with ${reader.queued} bytes`;
  }
  if (connection.kind === "mq") return `full with ${connection.used} messages`;
  const waiting = other?.queued ?? 0;
  const isTcp = connection.kind === "loopback-tcp";
  const unsent = isTcp && descriptor.unsent > 0 ? `, ${descriptor.unsent} more on their way` : "";
  return `full; the other end has ${waiting} unread${unsent}`;
}

/** The end that must act, and what its holders are called. */
function otherSide({ connection, descriptor }: Opening, doing: Doing): [Side | null, string] {
  const { sides } = connection;
  if (connection.kind === "pipe" || connection.kind === "mq")
    return doing === "reads" ? [sides[0]!, "writers"] : [sides[1]!, "readers"];
  const other = sides.find(({ object }) => object !== descriptor.object) ?? null;
  if (other?.role === "backlog") return [other, "not accepted yet by"];
  return [other, "other end"];
}

function describe({ connection, descriptor }: Opening): string {
  const name = connection.name === "<anonymous>" ? "" : ` ${connection.name}`;
  const number = connection.kind === "pty" ? "" : ` ${descriptor.inode}`;
  return `${connection.kind}${number}${name} (descriptor ${descriptor.fd})`;
}

function connecting({ pid, args, ints }: Thread, { connections }: Known): Found {
  const opening = connections.at(pid, ints[0]!);
  if (opening === null) return open(`connects descriptor ${ints[0]}`);
  const listener = connections.listenerAt(opening.descriptor.net, memoryOf(pid, args[1]!, ints[2]!));
  if (listener === null) return open(`connects ${describe(opening)}`);
  const { used, room, sides, name } = listener.connection;
  return {
    text: `connects to ${name}, where ${used} wait to be accepted, ${room} at most`,
    whose: "listener",
    by: [...sides[0]!.holders.keys()],
    isOpen: false,
    isFull: true,
  };
}

/** open(2) of a FIFO sleeps until another opens it for the other direction. */
function opening({ pid, call, args }: Thread): Found {
  const path = memoryOf(pid, args[call === "open" ? 0 : 1]!, longestPath);
  const end = path.indexOf(0);
  const name = end > 0 ? printable(path.subarray(0, end)) : "a file";
  return open(`opens ${name}, which nobody has open at the other end`);
}

function either(pid: number, from: number, to: number, around: Known): Found {
  const isEmpty = (around.connections.at(pid, from)?.connection.sides.at(-1)?.queued ?? 0) === 0;
  return isEmpty ? onDescriptor(pid, from, "reads", around) : onDescriptor(pid, to, "writes", around);
}

function forChild({ pid, call, ints, args }: Thread, { children }: Known): Found {
  const own = children.get(pid) ?? [];
  const named = call === "wait4" ? ints[0]! : args[0] === 1 ? ints[1]! : -1;
  const by = named > 0 ? own.filter((child) => child === named) : own;
  const which =
    named > 0 ? `child ${named}` : own.length === 1 ? `its child ${own[0]}` : `any of ${own.length} children`;
  return {
    text: `waits for the end of ${which}`,
    whose: "child",
    by,
    isOpen: by.length === 0,
    isFull: false,
  };
}

function polling(thread: Thread, around: Known): Found {
  const { polled, hasTime } = polledOf(thread);
  const parts = polled.map(({ fd, doing }) =>
    doing === null ? open(`descriptor ${fd}`) : onPolled(thread.pid, fd, doing, around),
  );
  const isOpen = hasTime || polled.length === 0 || parts.some((part) => part.isOpen);
  const by = [...new Set(parts.flatMap((part) => part.by))];
  const [only] = parts;
  if (parts.length === 1 && only !== undefined)
    return { ...only, text: `polls: ${only.text}`, isOpen: isOpen || only.isOpen };
  const what = polled.length === 0 ? "for a time" : `for any of ${polled.length} descriptors`;
  return {
    text: `polls ${what}${hasTime && polled.length > 0 ? " or a time" : ""}${unaccepted(thread.pid, polled, around)}`,
    whose: "other ends",
    by,
    isOpen,
    isFull: parts.length > 0 && parts.every((part) => part.isFull),
  };
}

/** `, 2 of them not accepted yet at /run/app.sock`: connections that stand in a queue. */
function unaccepted(pid: number, polled: readonly Polled[], { connections }: Known): string {
  const queues = Map.groupBy(
    polled.flatMap(({ fd }) => connections.at(pid, fd)?.connection ?? []),
    ({ sides, name }) => (sides.some(({ role }) => role === "backlog") ? name : ""),
  );
  queues.delete("");
  return [...queues].map(([name, { length }]) => `, ${length} of them not accepted yet at ${name}`).join("");
}

function onPolled(pid: number, fd: number, doing: Doing, around: Known): Found {
  const opening = around.connections.at(pid, fd);
  if (opening?.descriptor.state === listening) return open(`waits for a connection at ${describe(opening)}`);
  const found = onDescriptor(pid, fd, doing, around);
  const isOwn = opening?.connection.sides.every(({ holders }) => holders.size === 1 && holders.has(pid));
  if (!isOwn) return found;
  // by a pipe of its own a process is woken from a signal's handler: that of SIGCHLD, when it has children
  const by = around.children.get(pid) ?? [];
  return { ...found, whose: "child", by, isOpen: by.length === 0 };
}
