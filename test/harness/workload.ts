import { Condition } from "./condition.ts";
import { lines } from "./lines.ts";
import { programPath } from "./programs.ts";
import { Truth } from "./truth.ts";

/** A running program of test/programs. */
export class Workload {
  readonly truth = new Truth();
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #condition = new Condition();
  readonly #errors: Promise<string>;
  readonly #reading: Promise<void>;
  #waiting = false;

  private constructor(path: string, args: readonly string[]) {
    this.#process = Bun.spawn([path, ...args], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    this.#errors = new Response(this.#process.stderr).text();
    this.#reading = this.#read();
  }

  /** Starts one that waits in the end, and lets it come to that. */
  static async staged(program: string, ...args: string[]): Promise<Workload> {
    const workload = await Workload.start(program, ...args);
    await workload.untilWaiting();
    return workload;
  }

  static async start(program: string, ...args: string[]): Promise<Workload> {
    return new Workload(await programPath(program), args);
  }

  get pid(): number {
    return this.#process.pid;
  }

  async #read(): Promise<void> {
    for await (const line of lines(this.#process.stdout)) {
      if (line === '{"waiting":true}') this.#waiting = true;
      else this.truth.learn(line);
      this.#condition.changed();
    }
  }

  /** Resolves when the program waits for `resume`. */
  async untilWaiting(): Promise<void> {
    const ended = this.#process.exited.then(async (status) => {
      if (!this.#waiting) throw new Error(`${this.#process} ended with ${status}: ${await this.#errors}`);
    });
    const waiting = this.#condition.until(
      () => this.#waiting || undefined,
      () => "the workload never came to wait",
    );
    await Promise.race([waiting, ended]);
  }

  /** Lets it go on to where it waits next. @param word for those that read one */
  async proceed(word = ""): Promise<void> {
    this.#waiting = false;
    this.#process.stdin.write(`${word}\n`);
    this.#process.stdin.flush();
    await this.untilWaiting();
  }

  resume(): void {
    this.#process.stdin.end();
  }

  /** Lets it run to its end; the truth is whole then. Throws an Error with its words when it failed. */
  async finish(): Promise<Truth> {
    this.resume();
    const status = await this.#process.exited;
    await this.#reading;
    if (status !== 0) throw new Error(`a workload ended with ${status}: ${await this.#errors}`);
    this.truth.to = Date.now();
    return this.truth;
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}

/** Runs a program of test/programs to its end. */
export async function run(program: string, ...args: string[]): Promise<Truth> {
  const workload = await Workload.start(program, ...args);
  return workload.finish();
}
