import type { Trace } from "./trace.ts";

/**
 * Whether nobody can say in which order several processes received by io_uring from a socket, so that who did is a guess.
 * @param path of a unix socket, or where nobody has an address `<anonymous>`
 */
export function isUnclear(trace: Trace, type: string, path: string): boolean {
  if (trace.backend(type) !== "tracepoint") return false;
  if (type === "unix-dgram") return path !== "<anonymous>";
  // since 6.3 it is told how a receive has ended before its request completes, and what io_submit does
  return (type === "unix-stream" || type === "loopback-tcp") && trace.notSeen(type).includes("aio");
}
