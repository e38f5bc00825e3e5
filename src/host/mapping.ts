/** Memory that processes share: files of /dev/shm, memfds and System V segments, by who has them mapped. */
import { printable } from "../bytes/escape.ts";
import { read } from "../proc/files.ts";
import type { Connection } from "./connection.ts";

const shared = /^\S+ ...s \S+ (\S+) (\d+)\s+(\/dev\/shm\/.*|\/memfd:.*|\/SYSV.*|\/dev\/zero \(deleted\))$/gm;

/** The mappings of these processes that are in memory and shared; each is one connection with one end. */
export function mappings(pids: readonly number[]): Connection[] {
  const found = new Map<string, Connection>();
  for (const pid of pids) {
    for (const [, device, inode, path] of read(`/proc/${pid}/maps`).matchAll(shared)) {
      const key = `${device} ${inode}`;
      const known = found.get(key);
      if (known !== undefined) known.sides[0]!.holders.set(pid, []);
      else found.set(key, channelOf(Number(inode), path!, pid));
    }
  }
  return [...found.values()];
}

function channelOf(inode: number, path: string, pid: number): Connection {
  const side = { role: "mapping" as const, object: 0, holders: new Map([[pid, []]]), queued: 0, inode };
  return {
    kind: "shm",
    number: inode,
    name: printable(path),
    sides: [side],
    used: 0,
    room: 0,
    isStopped: false,
  };
}
