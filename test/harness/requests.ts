import type { Trace } from "./trace.ts";

/** Whether it is told how a receive by io_uring has ended before its request completes: since 6.3, or by functions. */
function isToldAtOnce(trace: Trace, type: string): boolean {
  return trace.backend(type) !== "tracepoint" || !trace.notSeen(type).includes("aio");
}

/**
 * Whether nobody can say in which order several processes received by io_uring from a socket, so that who did is a guess.
 * @param path of a unix socket, or where nobody has an address `<anonymous>`
 */
export function isUnclear(trace: Trace, type: string, path: string): boolean {
  if (trace.backend(type) !== "tracepoint") return false;
  if (type === "unix-dgram") return path !== "<anonymous>";
  return (type === "unix-stream" || type === "loopback-tcp") && !isToldAtOnce(trace, type);
}
