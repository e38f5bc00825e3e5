import { type Capabilities, capabilitiesOf } from "./capabilities.ts";
import { PATIENCE } from "./condition.ts";
import { BACKEND, EXECUTABLE, Ipcdump } from "./ipcdump.ts";
import { makeMarker } from "./marker.ts";
import type { Truth } from "./truth.ts";

/** An event as `-f json` prints it. */
export interface TraceEvent {
  src_pid: number;
  dst_pid: number;
  src_comm: string;
  dst_comm: string;
  type: string;
  time: string;
  meta: Record<string, string | number | boolean>;
  bytes?: string;
}

export interface LostLine {
  lost_type: string;
  count: number;
  reason: string;
  time: string;
}

/** For how long to wait for what waits for somebody to have its other end, in ms. */
export const NOBODY = 620;

/** ipcdump while it traces one kind or more, its events parsed. */
export class Trace {
  readonly events: TraceEvent[] = [];
  readonly lost: LostLine[] = [];
  readonly tracing: string;
  readonly #ipcdump: Ipcdump;
  readonly #kinds: readonly string[];
  readonly #markers = new Set<number>();
  /** what was found of each workload when it was last looked for, and when that was */
  readonly #found = new Map<Truth, { events: ReadonlySet<TraceEvent>; at: number }>();
  #stopped: Promise<readonly string[]> | undefined;

  private constructor(ipcdump: Ipcdump, kinds: readonly string[], tracing: string) {
    this.#ipcdump = ipcdump;
    this.#kinds = kinds;
    this.tracing = tracing;
    for (const line of ipcdump.stdout) this.#take(line);
    ipcdump.onLine = (line) => this.#take(line);
  }

  /** Resolves when ipcdump has said that it traces; `kinds` as `-t` takes them. */
  static async start(kinds: string, ...flags: string[]): Promise<Trace> {
    return Trace.startBy([EXECUTABLE], kinds, ...flags);
  }

  /** The same of an ipcdump that is started by a command of one's own. */
  static async startBy(command: string[], kinds: string, ...flags: string[]): Promise<Trace> {
    const words = ["-t", kinds, "-x", "-f", "json", "--backend", BACKEND, ...flags];
    const ipcdump = new Ipcdump(words, { command });
    return new Trace(ipcdump, kinds.split(","), await ipcdump.untilTracing());
  }

  #take(line: string): void {
    const value = JSON.parse(line);
    if ("lost_type" in value) this.lost.push(value);
    else this.events.push(value);
  }

  /** The back end of a kind, as the `tracing` line names it. */
  backend(kind: string): string {
    const name = this.#parentheses(kind)[0];
    if (!name) throw new Error(`no back end of ${kind} in: ${this.tracing}`);
    return name;
  }

  /** What the `tracing` line says this kind does not see. */
  notSeen(kind: string): string[] {
    const prefix = "not seen: ";
    return this.#parentheses(kind)
      .filter((part) => part.startsWith(prefix))
      .flatMap((part) => part.slice(prefix.length).split(", "));
  }

  #parentheses(kind: string): string[] {
    return new RegExp(`\\b${kind} \\(([^)]*)\\)`).exec(this.tracing)?.[1]?.split("; ") ?? [];
  }

  capabilities(kind: string): Capabilities {
    return capabilitiesOf(this.backend(kind), kind);
  }

  /**
   * Resolves when everything that happened before the call is printed, so that what is absent then is absent.
   * It is one round of markers after another: what waits for its receiver is held back, alone, and a marker made later
   * comes after it.
   * @param longest ms; NOBODY where somebody may have sent what nobody had an end for
   */
  async settle(longest = 70): Promise<void> {
    const start = performance.now();
    do await this.#mark();
    while (performance.now() - start < longest);
    await this.#mark();
  }

  /** Resolves when all events of a workload are there, however long they wait; or they never come. */
  async untilCarried(truth: Truth): Promise<void> {
    const all = truth.carried.reduce((sum, { count }) => sum + count, 0);
    await this.#settleUntil(() => {
      const events = this.carriedFor(truth);
      const bytes = events.reduce((sum, { meta }) => sum + Number(meta.count), 0);
      return events.length >= truth.carried.length && bytes >= all;
    });
  }

  /** Resolves when a process is seen to have sent so many, or they never come. */
  async untilSent(pid: number, count: number): Promise<void> {
    await this.#settleUntil(() => this.events.filter(({ src_pid }) => src_pid === pid).length >= count);
  }

  async #settleUntil(isThere: () => boolean): Promise<void> {
    for (const start = performance.now(); !isThere() && performance.now() - start < PATIENCE / 2; )
      await this.settle();
  }

  async #mark(): Promise<void> {
    for (const kind of this.#kinds) {
      let at = this.events.length;
      const { source, destination, ended } = await makeMarker(kind);
      this.#markers.add(source);
      await this.#ipcdump.until(`the ${kind} marker of process ${source}`, () => {
        for (; at < this.events.length; at++) {
          const { type, src_pid, dst_pid } = this.events[at]!;
          if (type === kind && src_pid === source && dst_pid === destination) return true;
        }
        return undefined;
      });
      await ended;
    }
  }

  /** Events of these pipes, each pipe's in the order of time. */
  onPipes(inodes: Iterable<number>): TraceEvent[] {
    const wanted = new Set<unknown>(inodes);
    return byTime(this.events.filter(({ type, meta }) => type === "pipe" && wanted.has(meta.pipe_inode)));
  }

  /** Signals from or to any of these processes. */
  signalsOf(pids: Iterable<number>): TraceEvent[] {
    const wanted = new Set(pids);
    return byTime(
      this.events.filter(
        ({ type, src_pid, dst_pid }) => type === "signal" && (wanted.has(src_pid) || wanted.has(dst_pid)),
      ),
    );
  }

  /** Events on the workload's sockets and terminals, and whatever else its processes did on such. */
  carriedFor(truth: Truth): TraceEvent[] {
    const events = this.#carriedFor(truth);
    this.#found.set(truth, { events: new Set(events), at: Date.now() });
    return events;
  }

  /**
   * Ends it, which lets go what still waits for a receiver: what workloads had sent when carriedFor was last asked, and
   * was not there. Of what strangers sent one of their processes may be the guess.
   */
  async late(): Promise<TraceEvent[]> {
    await this.stop();
    return [...this.#found].flatMap(([truth, { events, at }]) =>
      this.#carriedFor(truth).filter((event) => {
        const { src_inode, dst_inode } = event.meta;
        const isOwn =
          truth.sockets.has(src_inode) || truth.sockets.has(dst_inode) || pidsOf(truth).has(event.src_pid);
        return isOwn && !events.has(event) && Date.parse(event.time) < at;
      }),
    );
  }

  #carriedFor(truth: Truth): TraceEvent[] {
    const pids = pidsOf(truth);
    return byTime(
      this.events.filter(
        ({ type, src_pid, dst_pid, time, meta }) =>
          type !== "pipe" &&
          type !== "signal" &&
          !this.#markers.has(src_pid) &&
          (truth.sockets.has(meta.src_inode) ||
            truth.sockets.has(meta.dst_inode) ||
            // a terminal's name is given out again
            (truth.terminals.has(meta.tty_name) && Date.parse(time) >= truth.from) ||
            pids.has(src_pid) ||
            pids.has(dst_pid)),
      ),
    );
  }

  /** Ends it with SIGINT; what it said on stderr. Throws an Error on another status than 0 or without totals. */
  stop(): Promise<readonly string[]> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<readonly string[]> {
    this.#ipcdump.kill("SIGINT");
    const status = await this.#ipcdump.ended();
    const totals = this.#ipcdump.stderr.some((line) => /^\d+ events? in [\d.]+ s .*, \d+ lost$/.test(line));
    if (status !== 0 || !totals) throw new Error(`ended with ${status}\n${this.#ipcdump.transcript()}`);
    return this.#ipcdump.stderr;
  }

  transcript(): string {
    return this.#ipcdump.transcript();
  }

  [Symbol.dispose](): void {
    this.#ipcdump[Symbol.dispose]();
  }
}

function pidsOf(truth: Truth): ReadonlySet<number> {
  return new Set([...truth.roles.values()].map(({ pid }) => pid));
}

/** Lines are ordered by time only within one drain. */
function byTime(events: TraceEvent[]): TraceEvent[] {
  return events.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}
