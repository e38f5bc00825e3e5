/**
 * Words for people, on stderr, one line a call and exactly as given. It is never on the way of events and never
 * waits for long: a stuck reader must not stop the tracing.
 */
import { createConsola } from "consola/core";
import { Errno } from "../ffi/error.ts";
import { POLLOUT, poll, write } from "../ffi/libc.ts";

const stderr = 2;
/** A pipe that polls writable takes this much without blocking (PIPE_BUF). */
const neverBlocks = 4096;
/** The most that is kept of lines that stderr would not take yet. */
const keptLimit = 1024 * 1024;

const encoder = new TextEncoder();
let pending = new Uint8Array(0);

/** Writes what stderr takes within `milliseconds`; the rest stays for the next line. */
export function flushLog(milliseconds: number): void {
  const deadline = performance.now() + milliseconds;
  while (pending.length > 0) {
    const left = Math.max(0, Math.ceil(deadline - performance.now()));
    const ready = poll(stderr, POLLOUT, left);
    if (ready === 0) return;
    const written = ready < 0 ? ready : write(stderr, pending, 0, Math.min(pending.length, neverBlocks));
    if (written >= 0) pending = pending.subarray(written);
    else if (written !== -Errno.EINTR && written !== -Errno.EAGAIN) pending = new Uint8Array(0); // nobody will ever read it
    if (written < 0 && left === 0) return;
  }
}

function print(line: string): void {
  const bytes = encoder.encode(`${visible(line)}\n`);
  if (pending.length + bytes.length > keptLimit) return;
  const stuck = pending.length > 0;
  const joined = new Uint8Array(pending.length + bytes.length);
  joined.set(pending);
  joined.set(bytes, pending.length);
  pending = joined;
  flushLog(stuck ? 0 : 50);
}

/** Names within a line should be escaped already (`printable`); this is for what forgot to. */
function visible(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  return line.replace(/[\0-\x09\x0b-\x1f\x7f-\x9f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/** No merging of repeated lines (throttle) and no decoration. */
const consola = createConsola({
  level: 3,
  throttle: 0,
  reporters: [{ log: (entry) => print(entry.args.join(" ")) }],
});

/** Levels of -q, none, -v, -vv: errors and losses always show. */
export function setVerbosity(options: { quiet: boolean; verbosity: number }): void {
  consola.level = options.quiet && options.verbosity === 0 ? 1 : 3 + options.verbosity;
}

export const log = {
  /** `ipcdump: …`: something failed */
  error: (line: string): void => consola.error(`ipcdump: ${line}`),
  /** something is not as asked for, losses included; shown with -q too */
  warn: (line: string): void => consola.warn(line),
  /** the `tracing` line and the totals: not with -q */
  info: (line: string): void => consola.info(line),
  /** with -v: back ends per hook, hooks that were left out */
  verbose: (line: string): void => consola.debug(line),
  /** with -vv: libbpf's own log */
  debug: (line: string): void => consola.trace(line),
};
