/** Signals to the tracer: a request to end, a second one that means it, and SIGUSR1 for the totals. */
import { constants } from "node:os";
import { flushLog } from "../log.ts";

const requests = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** a second request this soon is the same keypress or the same `timeout`, seen twice */
const grace = 500;

export class Stop implements Disposable {
  #at = 0;
  #report: (() => void) | null = null;

  /** @param child whose affair SIGINT is and which gets the other requests; null without one */
  constructor(private readonly child: { kill(signal: "SIGTERM" | "SIGHUP"): void } | null) {}

  /** From now on signals are handled here; before, they do what they do by default. */
  listen(): void {
    for (const name of requests) process.on(name, this.#request);
    process.on("SIGUSR1", this.#tell);
  }

  /** Whether the tracing shall end: drain, totals, exit 0. */
  get requested(): boolean {
    return this.#at > 0;
  }

  /** What SIGUSR1 does. */
  onReport(report: () => void): void {
    this.#report = report;
  }

  readonly #request = (name: (typeof requests)[number]): void => {
    if (this.child !== null) {
      if (name !== "SIGINT") this.child.kill(name);
      return;
    }
    const now = performance.now();
    if (this.#at === 0) {
      this.#at = now;
    } else if (now - this.#at >= grace) {
      flushLog(0);
      process.exit(128 + constants.signals[name]);
    }
  };

  readonly #tell = (): void => this.#report?.();

  [Symbol.dispose](): void {
    for (const name of requests) process.off(name, this.#request);
    process.off("SIGUSR1", this.#tell);
  }
}
