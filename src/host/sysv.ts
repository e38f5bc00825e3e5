/** Waits for System V semaphores and queues. Nobody has those open: the kernel knows who used one last. */
import { semaphore } from "../../ffi/sem.ts";
import { link, read } from "../proc/files.ts";
import { memoryOf, type Thread } from "./thread.ts";
import { type Found, open } from "./wait.ts";

/** bytes of a struct sembuf, and as many of them as the kernel takes at once */
const operationSize = 6;
const mostOperations = 500;

/** What a thread in semop(2) waits for. */
export function semaphoreWait(thread: Thread): Found {
  const { call, args, ints } = thread;
  const set = ints[0]!;
  const isTimed = call === "semtimedop" && args[3] !== 0;
  const found = isOurs(thread) ? sleptOn(thread, set) : null;
  if (found === null) return open(`waits for a System V semaphore of set ${set}`);
  const { index, pid, isForZero } = found;
  const what = `${isForZero ? "waits for 0 in" : "waits for"} System V semaphore ${index} of set ${set}`;
  return usedLast(isTimed ? `${what} or a time` : what, "changed last by", pid, false);
}

/** The first of its operations that can't be done now. */
function sleptOn({ pid, args, ints }: Thread, set: number) {
  const count = Math.max(0, Math.min(mostOperations, ints[2]!));
  const bytes = memoryOf(pid, args[1]!, count * operationSize);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + operationSize <= bytes.length; at += operationSize) {
    const [index, change] = [view.getUint16(at, true), view.getInt16(at + 2, true)];
    const known = semaphore(set, index);
    if (known === null || (change === 0 ? known.value === 0 : known.value + change >= 0)) continue;
    return { index, pid: known.pid, isForZero: change === 0 };
  }
  return null;
}

/** What a thread in msgsnd(2) or msgrcv(2) waits for. */
export function queueWait(thread: Thread): Found {
  const { call, ints } = thread;
  const isFull = call === "msgsnd";
  const queue = ints[0]!;
  const row = isOurs(thread) ? rowOf(queue) : null;
  const messages = row === null ? "" : ` with ${row.messages} messages`;
  if (isFull)
    return usedLast(
      `sends to System V queue ${queue}, full${messages}`,
      "received from last by",
      row?.receiver ?? 0,
      true,
    );
  const what = `receives from System V queue ${queue}, which has nothing for it`;
  return usedLast(what, "sent to last by", row?.sender ?? 0, false);
}

/** The columns of /proc/sysvipc/msg: key msqid perms cbytes qnum lspid lrpid and others. */
function rowOf(queue: number) {
  for (const line of read("/proc/sysvipc/msg").split("\n").slice(1)) {
    const [, id, , , messages, sender, receiver] = line.trim().split(/\s+/).map(Number);
    if (id === queue) return { messages: messages!, sender: sender!, receiver: receiver! };
  }
  return null;
}

/** Anybody may end it, so it is no part of a deadlock; who used it last is likely to. */
function usedLast(text: string, whose: string, pid: number, isFull: boolean): Found {
  return { text, whose, by: pid > 0 ? [pid] : [], isOpen: true, isFull };
}

/** Whether numbers of sets and queues mean the same to that thread as to us. */
function isOurs({ pid }: Thread): boolean {
  return link(`/proc/${pid}/ns/ipc`) === link("/proc/self/ns/ipc");
}
