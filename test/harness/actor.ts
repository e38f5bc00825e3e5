import { copyFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { lines } from "./lines.ts";

/** A shell under a name of its own, which sends SIGWINCH where it is told to. */
export class Actor {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncGenerator<string>;

  /** @param folder where its program may be put */
  constructor(folder: string, name: string) {
    const program = join(folder, name);
    copyFileSync(realpathSync(Bun.which("sh") ?? "/bin/sh"), program);
    this.#process = Bun.spawn([program, "-c", 'while read -r pid; do kill -WINCH "$pid"; echo done; done'], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#lines = lines(this.#process.stdout);
  }

  get pid(): number {
    return this.#process.pid;
  }

  async signal(target: Actor): Promise<void> {
    this.#process.stdin.write(`${target.pid}\n`);
    await this.#process.stdin.flush();
    await this.#lines.next();
  }

  end(): void {
    this.#process.kill("SIGKILL");
  }
}
