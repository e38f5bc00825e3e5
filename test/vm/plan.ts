import type { Backend } from "./report.ts";

/**
 * Which live tests run where, for all of them everywhere take over an hour of emulation. What depends
 * on the back end runs on each, and the differential run has all kinds on every kernel and back end; the
 * command line runs once a kernel. The suites of sockets and terminals, whose programs are the same for
 * all back ends but for one hook, run natively; `--full` runs everything everywhere.
 */
const everywhere = ["pipe", "signal", "differential"];
const native = ["unix", "loopback", "pty"];
const commandLineOn: Backend = "tracepoint";

/** The live test files of one back end, of all there are, without `.test.ts`. */
export function planned(backend: Backend, all: readonly string[]): string[] {
  return all.filter((file) => {
    if (everywhere.includes(file)) return true;
    return !native.includes(file) && backend === commandLineOn;
  });
}
