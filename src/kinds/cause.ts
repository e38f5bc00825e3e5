/** What made the kernel send a signal. */
import { constants } from "node:os";
import { EventFlags, type SignalRecord } from "../layout.ts";

const { signals } = constants;
/** si_code, of include/uapi/asm-generic/siginfo.h */
const code = { timer: -2, queue: -3, asynchronous: -4, io: -5 } as const;

const encoder = new TextEncoder();
const causes = {
  pdeathsig: encoder.encode("pdeathsig"),
  timer: encoder.encode("timer"),
  child: encoder.encode("child"),
  fault: encoder.encode("fault"),
  seccomp: encoder.encode("seccomp"),
  pipe: encoder.encode("pipe"),
  io: encoder.encode("io"),
  queue: encoder.encode("queue"),
  limit: encoder.encode("limit"),
  oom: encoder.encode("oom"),
  exit: encoder.encode("exit"),
  hangup: encoder.encode("hangup"),
  terminal: encoder.encode("terminal"),
  other: encoder.encode("other"),
};

/** by number, where it says all */
const byNumber: Readonly<Record<number, Uint8Array>> = {
  [signals.SIGCHLD]: causes.child,
  [signals.SIGPIPE]: causes.pipe,
  [signals.SIGIO]: causes.io,
  [signals.SIGURG]: causes.io,
  [signals.SIGXCPU]: causes.limit,
  [signals.SIGXFSZ]: causes.limit,
  [signals.SIGSYS]: causes.seccomp,
};

/** by number, of signals without a siginfo */
const bare: Readonly<Record<number, Uint8Array>> = {
  [signals.SIGALRM]: causes.timer,
  [signals.SIGVTALRM]: causes.timer,
  [signals.SIGPROF]: causes.timer,
  [signals.SIGHUP]: causes.hangup,
  [signals.SIGCONT]: causes.hangup,
  [signals.SIGINT]: causes.terminal,
  [signals.SIGQUIT]: causes.terminal,
  [signals.SIGTSTP]: causes.terminal,
  [signals.SIGTTIN]: causes.terminal,
  [signals.SIGTTOU]: causes.terminal,
  [signals.SIGWINCH]: causes.terminal,
};

const faults: readonly number[] = [
  signals.SIGSEGV,
  signals.SIGBUS,
  signals.SIGILL,
  signals.SIGFPE,
  signals.SIGTRAP,
];

/** Whether it takes the OOM killer's mark to tell why the kernel sent it. */
export function isUnexplained({ number, flags }: SignalRecord): boolean {
  const known = EventFlags.SIGNAL_OOM | EventFlags.SIGNAL_PDEATH;
  return number === signals.SIGKILL && (flags & EventFlags.SIGNAL_BARE) !== 0 && (flags & known) === 0;
}

/**
 * A word of EVENTS.md for a record of SIGNAL_KERNEL.
 * @param isMarked the OOM killer has marked its target
 */
export function causeOf({ number, flags, code: unsigned }: SignalRecord, isMarked: boolean): Uint8Array {
  const given = unsigned | 0;
  const isBare = (flags & EventFlags.SIGNAL_BARE) !== 0;
  const isExiting = (flags & EventFlags.SIGNAL_EXITING) !== 0;
  if (isMarked || (flags & EventFlags.SIGNAL_OOM) !== 0) return causes.oom;
  if (isBare && isExiting && (flags & EventFlags.SIGNAL_PDEATH) !== 0) return causes.pdeathsig;
  if (!isBare && given === code.timer) return causes.timer;
  if (!isBare && given === code.queue) return causes.queue;
  if (!isBare && (given === code.asynchronous || given === code.io)) return causes.io;
  if (faults.includes(number)) return causes.fault;
  const told = byNumber[number] ?? (isBare ? bare[number] : undefined);
  if (told !== undefined) return told;
  // the next tick of the clock may come as it is ending
  if ((flags & EventFlags.SIGNAL_LIMITED) !== 0) return causes.limit;
  return isBare && number === signals.SIGKILL && isExiting ? causes.exit : causes.other;
}
