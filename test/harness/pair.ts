import { Actor } from "./actor.ts";
import { BACKEND, Ipcdump } from "./ipcdump.ts";

/** The flags of a trace that has signals and nothing else. */
export const SIGNALS: readonly string[] = ["-t", "signal", "--backend", BACKEND];

export interface Outcome {
  status: number;
  stdout: string[];
  stderr: string[];
}

/** What becomes of an ipcdump that traces nothing, or without a word. */
export async function untraced(args: readonly string[]): Promise<Outcome> {
  using ipcdump = new Ipcdump(args);
  const status = await ipcdump.ended();
  return { status, stdout: ipcdump.stdout, stderr: ipcdump.stderr };
}

/** Two processes, `alpha` and `beta,b`, whose signals flags leave in or out. */
export class Pair {
  readonly a: Actor;
  readonly b: Actor;

  constructor(folder: string) {
    [this.a, this.b] = [new Actor(folder, "alpha"), new Actor(folder, "beta,b")];
  }

  end(): void {
    this.a.end();
    this.b.end();
  }

  /** alpha → beta, beta → alpha, alpha → alpha */
  async act(): Promise<void> {
    await this.a.signal(this.b);
    await this.b.signal(this.a);
    await this.a.signal(this.a);
  }

  /** Words of a line, in which A and B are the two's pids. */
  words(line: string): string[] {
    return line
      .split(" ")
      .map((word) => word.replace(/\bA\b/, `${this.a.pid}`).replace(/\bB\b/, `${this.b.pid}`));
  }

  /** What is said of the three signals with these flags; one that ends by itself is not told to. */
  async traced(args: readonly string[], isEnding = false): Promise<Outcome> {
    using ipcdump = await Ipcdump.tracing([...SIGNALS, ...args]);
    await this.act();
    if (!isEnding) ipcdump.kill("SIGINT");
    const status = await ipcdump.ended();
    return { status, stdout: ipcdump.stdout, stderr: ipcdump.stderr };
  }

  /** The signals among the two, as `ab ba aa`. */
  shown(stdout: readonly string[]): string {
    const letters = new Map([
      [this.a.pid, "a"],
      [this.b.pid, "b"],
    ]);
    return stdout
      .map((line) => JSON.parse(line))
      .map(({ src_pid, dst_pid }) => `${letters.get(src_pid)}${letters.get(dst_pid)}`)
      .filter((pair) => !pair.includes("undefined"))
      .join(" ");
  }
}
