import type { Series } from "./kernels.ts";
import type { Backend } from "./report.ts";

/**
 * Which live tests run where, for all of them everywhere take hours of emulation. The differential run
 * has all kinds on every kernel and back end; what depends on the back end runs on each; sockets and
 * terminals, whose programs are the same but for one hook, on one back end a kernel; the command line
 * once a kernel. `--full` runs everything everywhere.
 */
const everywhere = ["pipe", "signal", "differential"];
const sockets = ["unix", "loopback", "pty"];
const socketsOn: Record<Series, Backend> = {
  "5.10": "kprobe",
  "6.1": "fentry",
  "6.12": "tracepoint",
  "7.x": "kprobe",
};
const commandLineOn: Backend = "tracepoint";

/** The live test files of one back end on one kernel, of all there are, without `.test.ts`. */
export function planned(series: Series, backend: Backend, all: readonly string[]): string[] {
  return all.filter((file) => {
    if (everywhere.includes(file)) return true;
    if (sockets.includes(file)) return socketsOn[series] === backend;
    return backend === commandLineOn;
  });
}
