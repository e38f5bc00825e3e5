import { dirname, join } from "node:path";
import { Condition } from "./condition.ts";
import { lines } from "./lines.ts";

export const EXECUTABLE = process.env.IPCDUMP ?? join(import.meta.dir, "../../dist/ipcdump");
/** The one that needs a glibc. */
export const PLAIN = join(dirname(EXECUTABLE), "ipcdump");
/** The one that needs no system around it. */
export const STATIC = join(dirname(EXECUTABLE), "ipcdump-static");
export const BACKEND = process.env.IPCDUMP_BACKEND ?? "auto";

export interface SpawnOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** instead of starting the executable itself: for chroot and the like */
  command?: string[];
  /** a pipe is for `type` */
  stdin?: "ignore" | "pipe";
}

/** A running ipcdump: its lines as they come, on both streams. */
export class Ipcdump {
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly #process: Bun.Subprocess<"ignore" | "pipe", "pipe", "pipe">;
  readonly #condition = new Condition();
  readonly #reading: Promise<unknown>;
  #onLine: ((line: string) => void) | undefined;
  #status: number | undefined;

  constructor(args: readonly string[], { command = [EXECUTABLE], ...options }: SpawnOptions = {}) {
    this.#process = Bun.spawn([...command, ...args], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      ...options,
    });
    this.#reading = Promise.all([
      this.#read(this.#process.stdout, this.stdout),
      this.#read(this.#process.stderr, this.stderr),
    ]);
    void this.#process.exited.then((status) => {
      this.#status = status;
      this.#condition.changed();
    });
  }

  /** Starts one and waits for its `tracing` line. */
  static async tracing(args: readonly string[], options?: SpawnOptions): Promise<Ipcdump> {
    const ipcdump = new Ipcdump(args, options);
    await ipcdump.untilTracing();
    return ipcdump;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Called for each line of stdout from the next one on, before anything that waits looks again. */
  set onLine(handler: (line: string) => void) {
    this.#onLine = handler;
  }

  async #read(stream: ReadableStream<Uint8Array>, into: string[]): Promise<void> {
    for await (const line of lines(stream)) {
      into.push(line);
      if (into === this.stdout) this.#onLine?.(line);
      this.#condition.changed();
    }
  }

  /** Resolves with the first value of `look` that is not undefined; rejects when ipcdump ends before. */
  until<Value>(what: string, look: () => Value | undefined): Promise<Value> {
    const report = () => `${what} never came\n${this.transcript()}`;
    return this.#condition.until(() => {
      const value = look();
      if (value === undefined && this.#status !== undefined) throw new Error(report());
      return value;
    }, report);
  }

  untilTracing(): Promise<string> {
    return this.until("the tracing line", () => this.stderr.find((line) => line.startsWith("tracing ")));
  }

  /** Writes to its stdin, as a key does that is pressed. */
  type(keys: string): void {
    const { stdin } = this.#process;
    if (stdin === undefined) throw new Error("it has no stdin");
    stdin.write(keys);
    stdin.flush();
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Resolves with the exit status (128+n for a signal) when both streams are read to their ends. */
  async ended(): Promise<number> {
    await this.until("the end of ipcdump", () => this.#status);
    await this.#reading;
    return this.#status!;
  }

  /** What it printed, for failure texts. */
  transcript(): string {
    const recent = this.stdout.slice(-30).map((line) => line.slice(0, 400));
    return [
      `ipcdump's stderr:\n${this.stderr.join("\n")}`,
      `the last of its ${this.stdout.length} lines:\n${recent.join("\n")}`,
    ].join("\n");
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}
