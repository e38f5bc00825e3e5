/** `-- cmd`: a process that exists before tracing is on and becomes cmd once it is. */
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { constants as os } from "node:os";
import program from "#dist/child.elf" with { type: "file" };
import { callerBytes, inherited, wasClosed } from "../../ffi/caller.ts";
import { describe, Errno, errnoName } from "../../ffi/error.ts";
import { close, write } from "../../ffi/libc.ts";
import { kill, openPidfd, ownStrings, pipe, readAll, reap, spawnChild, terminated } from "../../ffi/spawn.ts";
import { printable } from "../bytes/escape.ts";
import { latin1 } from "../bytes/latin1.ts";
import { Failure } from "../failure.ts";

const stdout = 1;
const stderr = 2;
const defaultPath = "/usr/local/bin:/usr/bin:/bin";
const pollInterval = 10;

/** cmd can't be run: 127 when there is no such command, 126 when it can't be executed. */
export class CommandError extends Failure {
  override readonly status: number;

  constructor(command: string, errno: number) {
    const where = errno === Errno.ENOENT && !command.includes("/") ? "; it is nowhere in PATH" : "";
    super(`cannot run ${printable(command)}: ${describe(errno)}${where}`);
    this.status = errno === Errno.ENOENT ? 127 : 126;
  }
}

export class Child implements Disposable {
  readonly #command: string;
  readonly #release: number;
  readonly #failure: number;
  readonly #pidfd: number;
  #status: number | null = null;
  /** whether it became cmd */
  isReleased = false;

  /**
   * Starts the process that waits to become the command, the last `count` words of the command line.
   * @param joined its stdout is our stderr
   * @throws CommandError
   */
  static start(count: number, joined: boolean): Child {
    // the words as they came, which need not be valid UTF-8
    const words = ownStrings("cmdline").slice(-count);
    const environment = ownStrings("environ");
    const path = find(words[0]!, environment);
    const [waiting, release] = pipe();
    const [failure, failing] = pipe();
    try {
      const pid = spawnChild(
        readFileSync(program),
        "ipcdump",
        ["ipcdump", `${waiting}`, `${failing}`, path, ...words].map(terminated),
        environment.map(terminated),
        [waiting, failing, ...inherited()],
        joined ? [[wasClosed(stderr) ? null : stderr, stdout]] : [],
      );
      return new Child(pid, nameOf(words[0]!), release, failure);
    } finally {
      close(waiting);
      close(failing);
    }
  }

  private constructor(
    readonly pid: number,
    command: string,
    release: number,
    failure: number,
  ) {
    this.#command = command;
    this.#release = release;
    this.#failure = failure;
    this.#pidfd = openPidfd(pid);
  }

  /** Readable once it has ended; -1 where the kernel has none. */
  get pidfd(): number {
    return this.#pidfd;
  }

  /** Lets it run. @throws CommandError when it can't be executed */
  release(): void {
    write(this.#release, callerBytes());
    const errno = new Int32Array(1);
    // the end of the pipe comes with a successful execve
    if (readAll(this.#failure, new Uint8Array(errno.buffer)) < errno.byteLength) {
      this.isReleased = true;
      return;
    }
    throw new CommandError(this.#command, errno[0]!);
  }

  /** cmd's exit status, 128+n when a signal ended it; null while it runs. */
  status(): number | null {
    this.#status ??= reap(this.pid);
    return this.#status;
  }

  /** Waits for its end. */
  async exited(): Promise<number> {
    for (;;) {
      const status = this.status();
      if (status !== null) return status;
      await Bun.sleep(pollInterval);
    }
  }

  kill(signal: keyof typeof os.signals): void {
    if (this.status() === null) kill(this.pid, os.signals[signal]);
  }

  /** One that was never released goes without having done anything. */
  [Symbol.dispose](): void {
    close(this.#release);
    close(this.#failure);
    if (this.#pidfd >= 0) close(this.#pidfd);
    if (!this.isReleased) reap(this.pid);
  }
}

function nameOf(command: Uint8Array): string {
  return new TextDecoder().decode(command);
}

/** The file that a command names, as execvp(3) finds it. @throws CommandError */
function find(command: Uint8Array, environment: readonly Uint8Array[]): Uint8Array {
  // a character a byte, whatever they mean
  const name = latin1(command);
  if (name.includes("/")) return command;
  const variables = environment.map((word) => latin1(word));
  const folders = variables.find((variable) => variable.startsWith("PATH="))?.slice("PATH=".length);
  let errno = Errno.ENOENT;
  for (const folder of (folders ?? defaultPath).split(":")) {
    const path = Buffer.from(`${folder === "" ? "." : folder}/${name}`, "latin1");
    try {
      if (!statSync(path).isFile()) continue;
      accessSync(path, constants.X_OK);
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === errnoName(Errno.EACCES)) errno = Errno.EACCES;
    }
  }
  throw new CommandError(nameOf(command), errno);
}
