/**
 * When it ends, and how: the one place that decides.
 *
 *   tracing ── a signal, --duration, cmd gone ──→ draining ── read up to where the ring was then ──→ over
 *      └──────────────────── -c, nobody reads any more ─────────────┴───────────────────────────────↗
 *
 * Once it is over cmd may go on: it is waited for, and the first signal that is meant for it is passed on. A second
 * signal leaves at once whatever the state, and whatever output is stuck. Signals are SIGINT, SIGTERM and SIGHUP;
 * SIGINT from cmd's terminal is cmd's own affair.
 */
import { constants } from "node:os";
import { wasIgnored } from "../../ffi/caller.ts";
import { Interrupts } from "../../ffi/handlers.ts";
import { flushLog, log } from "../log.ts";
import type { Child } from "./child.ts";

const requests = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
type Request = (typeof requests)[number];
/** a second request this soon is the same keypress or the same `timeout`, seen twice; in milliseconds */
const grace = 500;

export interface Bounds {
  /** -- cmd */
  readonly child: Pick<Child, "kill" | "status" | "pid" | "isReleased"> | null;
  /** events, 0 for any number */
  readonly count: number;
  /** seconds, 0 for any time */
  readonly duration: number;
}

export class Ending implements Disposable {
  #interrupts: Interrupts | null = null;
  #state: "tracing" | "draining" | "over" = "tracing";
  #isRead = true;
  /** when the first signal came */
  #signalledAt = 0;
  #isAsked = false;
  #isReportDue = false;
  #deadline = Number.POSITIVE_INFINITY;
  /** where the ring was when the end came: what lies before is still reported */
  #end = Number.POSITIVE_INFINITY;

  constructor(
    private readonly bounds: Bounds,
    private readonly exit: (status: number) => void = process.exit,
  ) {}

  /** From now on signals are handled here; before, they do what they do by default. */
  listen(): void {
    // as nohup has it
    const heard = requests.filter((name) => name !== "SIGHUP" || !wasIgnored(constants.signals[name]));
    for (const name of heard) process.on(name, this.request);
    process.on("SIGUSR1", this.#tell);
    if (this.bounds.child !== null) this.#interrupts = new Interrupts();
  }

  /** Time runs. */
  start(): void {
    if (this.bounds.duration > 0) this.#deadline = performance.now() + this.bounds.duration * 1000;
  }

  get isDraining(): boolean {
    return this.#state === "draining";
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  /** Whether somebody still reads what is written. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** Whether output that nobody has begun to read is still waited for. */
  get isPatient(): boolean {
    return !this.#isAsked;
  }

  /** Milliseconds that are left. */
  get left(): number {
    return Math.max(0, this.#deadline - performance.now());
  }

  /** Whether SIGUSR1 came since it was asked last. */
  takeReport(): boolean {
    const isDue = this.#isReportDue;
    this.#isReportDue = false;
    return isDue;
  }

  /** To be asked before every drain. @param produced where the ring is written, asked when the end has come */
  look(produced: () => number): void {
    if (this.#state !== "tracing") return;
    const { child } = this.bounds;
    const isEnd = this.#isAsked || performance.now() >= this.#deadline || (child?.status() ?? null) !== null;
    if (!isEnd) return;
    this.#state = "draining";
    this.#end = produced();
  }

  /** What lies before this place in the ring was read. */
  drained(position: number): void {
    if (position >= this.#end) this.#state = "over";
  }

  /** So many events were printed; false: that was the last one. */
  counted(events: number): boolean {
    if (this.bounds.count === 0 || events !== this.bounds.count) return true;
    this.#state = "over";
    return false;
  }

  /** Nobody will read any more. */
  abandon(): void {
    this.#isRead = false;
    this.#state = "over";
  }

  /** An end without a signal. */
  ask(): void {
    this.#isAsked = true;
  }

  /** What a signal does; public for the tests. */
  readonly request = (name: Request): void => {
    const { child } = this.bounds;
    if (name === "SIGINT" && child !== null && this.#interrupts?.wasSent() === false) return;
    const now = performance.now();
    if (this.#signalledAt > 0 && now - this.#signalledAt >= grace) {
      this.#leave(name);
      return;
    }
    if (this.#signalledAt === 0) this.#signalledAt = now;
    if (name !== "SIGINT" && child !== null && child.status() === null) child.kill(name);
    else this.#isAsked = true;
  };

  #leave(name: Request): void {
    const { child } = this.bounds;
    if (child?.isReleased && child.status() === null)
      log.error(`ended by a second signal, ${name}; the command goes on as pid ${child.pid}`);
    flushLog(0);
    this.exit(128 + constants.signals[name]);
  }

  readonly #tell = (): void => {
    this.#isReportDue = true;
  };

  [Symbol.dispose](): void {
    for (const name of requests) process.off(name, this.request);
    process.off("SIGUSR1", this.#tell);
  }
}
