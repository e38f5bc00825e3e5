import { Condition } from "./condition.ts";
import { EXECUTABLE } from "./ipcdump.ts";
import { lines } from "./lines.ts";
import { programPath } from "./programs.ts";

/** Ann and bob of test/programs/hang.c, or of scripts, on their way to hang. */
export class Hang implements Disposable {
  readonly pids = new Map<string, number>();
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #condition = new Condition();

  private constructor(words: readonly string[]) {
    this.#process = Bun.spawn([...words], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    void this.#read();
  }

  static async start(mode: string): Promise<Hang> {
    return Hang.of([await programPath("hang"), mode]);
  }

  /** Others that say who they are in lines like `ann 4711`, bob last, and end with their stdin. */
  static async of(words: readonly string[]): Promise<Hang> {
    const hang = new Hang(words);
    await hang.#condition.until(
      () => hang.pids.has("bob") || undefined,
      () => `${words[0]} says nothing`,
    );
    return hang;
  }

  get ann(): number {
    return this.pids.get("ann")!;
  }

  get bob(): number {
    return this.pids.get("bob")!;
  }

  async #read(): Promise<void> {
    for await (const line of lines(this.#process.stdout)) {
      const [role = "", pid] = line.split(" ");
      this.pids.set(role, Number(pid));
      this.#condition.changed();
    }
  }

  /** Roles for pids and N for other numbers: what is the same at every run. */
  named(text: string): string {
    return text.replace(/\d+/g, (number) => {
      const role = [...this.pids].find(([, pid]) => pid === Number(number));
      return role === undefined ? "N" : role[0].toUpperCase();
    });
  }

  [Symbol.dispose](): void {
    this.#process.stdin.end();
  }
}

/** What a subcommand of ipcdump prints, and its status. */
export async function ask(...words: string[]): Promise<{ text: string; errors: string; status: number }> {
  const ipcdump = Bun.spawn([EXECUTABLE, ...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [text, errors] = await Promise.all([
    new Response(ipcdump.stdout).text(),
    new Response(ipcdump.stderr).text(),
  ]);
  return { text, errors, status: await ipcdump.exited };
}

/** Asks again until the answer is this one: what was started is still on its way. */
export async function askUntil<Answer>(
  expected: Answer,
  answer: () => Promise<Answer>,
  patience: number,
): Promise<Answer> {
  const end = performance.now() + patience;
  let last = await answer();
  while (!Bun.deepEquals(last, expected) && performance.now() < end) last = await answer();
  return last;
}
