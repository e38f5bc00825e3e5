/** Which pipes somebody has open, from /proc. */
import { readdirSync, readlinkSync, statSync } from "node:fs";
import { pidNamespace, processes, showsOurPids } from "./processes.ts";

const pipeLink = "pipe:[";
/** descriptors of these are no FIFOs, and need not be asked what they are */
const others = /^(socket:|anon_inode:|\/dev\/|\/memfd:|\/proc\/|\/sys\/)/;

/**
 * The inodes of all pipes, with `andFifos` also of all that may be a FIFO. null when not every process shows its
 * descriptors.
 */
export function openPipes(andFifos: boolean): Set<number> | null {
  if (!showsOurPids() || pidNamespace() !== 0) return null;
  const inodes = new Set<number>();
  for (const pid of processes()) {
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) add(inodes, `/proc/${pid}/fd/${fd}`, andFifos);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ESRCH") return null;
    }
  }
  return inodes;
}

function add(inodes: Set<number>, descriptor: string, andFifos: boolean): void {
  try {
    const target = readlinkSync(descriptor);
    if (target.startsWith(pipeLink)) inodes.add(Number(target.slice(pipeLink.length, -1)));
    else if (andFifos && !others.test(target)) inodes.add(statSync(descriptor).ino);
  } catch {
    // closed meanwhile
  }
}
