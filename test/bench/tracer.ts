import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { clockGettime } from "../../ffi/libc.ts";
import type { Bench } from "./bench.ts";

/** How long anything may take until it traces, in seconds. */
const PATIENCE = 60;
/** what clock_gettime takes for the CPU time of a process: CPUCLOCK_SCHED of MAKE_PROCESS_CPUCLOCK */
const cpuClock = (pid: number) => (~pid << 3) | 2;

export interface Command {
  name: string;
  /** `OUT` is replaced by the file it writes to */
  words: readonly string[];
  env?: Record<string, string>;
  /** what it says on stderr (or stdout) when it traces */
  ready: string;
}

/** A tracer that runs beside the workload. */
export class Tracer {
  readonly output: string;
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #reading: Promise<unknown>;
  #said = "";
  #cpuAtStart = 0;

  private constructor(bench: Bench, command: Command) {
    this.output = join(bench.folder, `ipcdump-bench-${process.pid}.out`);
    const words = command.words.map((word) => (word === "OUT" ? this.output : word));
    this.#child = Bun.spawn(words, {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...command.env },
    });
    this.#reading = Promise.all([this.#read(this.#child.stdout), this.#read(this.#child.stderr)]);
  }

  /** Starts it and waits until it traces. */
  static async start(bench: Bench, command: Command): Promise<Tracer> {
    const tracer = new Tracer(bench, command);
    await tracer.says(command.ready);
    tracer.#cpuAtStart = tracer.cpu;
    return tracer;
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.#said += decoder.decode(chunk, { stream: true });
  }

  async says(words: string): Promise<void> {
    const deadline = performance.now() + PATIENCE * 1000;
    // bpftrace says it in the file
    const isSaid = () =>
      this.#said.includes(words) ||
      (existsSync(this.output) && readFileSync(this.output).subarray(0, 100).includes(words));
    while (!isSaid()) {
      if (this.#child.exitCode !== null || performance.now() > deadline) {
        this.#child.kill("SIGKILL");
        throw new Error(`never said "${words}": ${this.#said}`);
      }
      await Bun.sleep(5);
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** CPU time so far, in nanoseconds */
  get cpu(): number {
    const time = { seconds: 0, nanoseconds: 0 };
    clockGettime(cpuClock(this.pid), time);
    return time.seconds * 1e9 + time.nanoseconds;
  }

  /** Ctrl-C and the end: its last words, and the CPU time since it traced, that of ending included. */
  async stop(look: (output: string) => void = () => {}): Promise<{ said: string; cpu: number }> {
    this.#child.kill("SIGINT");
    await this.#child.exited;
    await this.#reading;
    // rusage of wait4, in microseconds
    const total = Number(this.#child.resourceUsage()!.cpuTime.total) * 1000;
    look(this.output);
    rmSync(this.output, { force: true });
    return { said: this.#said, cpu: total - this.#cpuAtStart };
  }
}

/** `1234 events in 12.3 s (pipe 1200, signal 34), 5 lost` of both, ipcdump and the reference */
export function counted(said: string): { events: number; lost: number } {
  const events = Number(/(\d+) events/.exec(said)?.[1]);
  const lost = Number(/(\d+) lost/.exec(said)?.[1]);
  if (Number.isNaN(events) || Number.isNaN(lost)) throw new Error(`no totals in: ${said}`);
  return { events, lost };
}
