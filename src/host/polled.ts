/** The descriptors that a thread polls, from its memory and from what the kernel says of its epoll. */
import { link, read } from "../proc/files.ts";
import { memoryOf, type Thread } from "./thread.ts";
import type { Doing } from "./wait.ts";

export interface Polled {
  fd: number;
  /** null: something whose other end nobody has, such as a timer */
  doing: Doing | null;
}

const pollIn = 1;
const pollOut = 4;
/** as many as are looked at */
const most = 1024;
const anonymous = "anon_inode:";
/** of what is a number of the kernel's own, that other holders write */
const eventNumber = "anon_inode:[eventfd]";

/** What a thread in poll, select or epoll_wait waits for, and whether a time may end it. */
export function polledOf(thread: Thread): { polled: Polled[]; hasTime: boolean } {
  const { call, args, ints } = thread;
  switch (call) {
    case "poll":
      return { polled: polls(thread), hasTime: ints[2]! >= 0 };
    case "ppoll":
      return { polled: polls(thread), hasTime: args[2] !== 0 };
    case "select":
      return { polled: selects(thread), hasTime: args[4] !== 0 };
    case "pselect6":
      return { polled: selects(thread), hasTime: args[4] !== 0 };
    case "epoll_pwait2":
      return { polled: epolls(thread), hasTime: args[3] !== 0 };
  }
  return { polled: epolls(thread), hasTime: ints[3]! >= 0 };
}

function polls({ pid, args, ints }: Thread): Polled[] {
  const count = Math.min(most, ints[1]!);
  const bytes = memoryOf(pid, args[0]!, count * 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: Polled[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const fd = view.getInt32(at, true);
    if (fd >= 0) found.push(...polled(pid, fd, view.getUint16(at + 4, true)));
  }
  return found;
}

function selects({ pid, args, ints }: Thread): Polled[] {
  const count = Math.min(most, ints[0]!);
  const sets = [args[1]!, args[2]!].map((address) =>
    address === 0 ? new Uint8Array(0) : memoryOf(pid, address, Math.ceil(count / 8)),
  );
  const has = (set: Uint8Array, fd: number) => ((set[fd >> 3] ?? 0) & (1 << (fd & 7))) !== 0;
  const found: Polled[] = [];
  for (let fd = 0; fd < count; fd++) {
    const events = (has(sets[0]!, fd) ? pollIn : 0) | (has(sets[1]!, fd) ? pollOut : 0);
    found.push(...polled(pid, fd, events));
  }
  return found;
}

function epolls({ pid, ints }: Thread): Polled[] {
  const rows = read(`/proc/${pid}/fdinfo/${ints[0]}`).matchAll(/^tfd:\s*(\d+) events:\s*([0-9a-f]+)/gm);
  return [...rows]
    .slice(0, most)
    .flatMap(([, fd, events]) => polled(pid, Number(fd), Number.parseInt(events!, 16)));
}

function polled(pid: number, fd: number, events: number): Polled[] {
  if ((events & (pollIn | pollOut)) === 0) return [];
  const target = link(`/proc/${pid}/fd/${fd}`);
  // its own threads signal each other by such a number
  if (target === eventNumber) return [];
  if (target.startsWith(anonymous)) return [{ fd, doing: null }];
  // one that waits for room as well as for bytes waits for bytes: room there is
  return [{ fd, doing: (events & pollIn) !== 0 ? "reads" : "writes" }];
}
