/** How to run a command: where, with which variables on top of ours, what to feed it. */
export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** The Debian package that has the program, named when it is missing. */
  from?: string;
}

/**
 * Runs a program without a shell and returns its standard output.
 * Throws with the last lines it wrote to standard error when it ends with anything but 0.
 */
export async function command(argv: string[], options: CommandOptions = {}): Promise<string> {
  const name = argv[0] ?? "";
  if (Bun.which(name) === null) {
    const remedy = options.from === undefined ? "" : `\ntry: apt-get install ${options.from}`;
    throw new Error(`${name} is not installed${remedy}`);
  }
  const child = Bun.spawn(argv, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, LC_ALL: "C", ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) {
    const said = (errors.trim() || output.trim()).split("\n").slice(-8).join("\n  ");
    throw new Error(`${argv.slice(0, 3).join(" ")} ended with ${child.signalCode ?? status}:\n  ${said}`);
  }
  return output;
}
