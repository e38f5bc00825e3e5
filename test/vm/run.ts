import { parseArgs } from "node:util";
import { execute } from "./execute.ts";
import { SERIES } from "./kernels.ts";
import { runMatrix } from "./matrix.ts";
import { PREEMPT, preemptible } from "./plan.ts";
import { BACKENDS } from "./report.ts";

const USAGE = `usage: bun test/vm/run.ts [--full] [--static] [--preempt] [KERNEL] [BACKEND] [CASE]
       bun test/vm/run.ts [--preempt] KERNEL --exec COMMAND [--copy PATH]... [--limit SECONDS]
  KERNEL    one of ${SERIES.join(", ")}; all without it
  BACKEND   one of ${BACKENDS.join(", ")}; all without it
  CASE      a kind, several (unix,pty), kind/name, or a part of a case's name; all without it
  --full    every case on every back end; without it what plan.ts says
  --preempt with kernels that are told to preempt everybody, of those that can be: ${preemptible.join(", ")}
  --static  with dist/ipcdump-static in place of dist/ipcdump
  --exec    run one shell command in the VM, in /copy; print its output, exit with its status
  --copy    a file or folder the VM gets in /copy, with the libraries it is linked to
  --limit   how long the command may take (600)`;

class UsageError extends Error {}

/** Takes the first word off `words` if it is one of `known`. */
function take<T extends string>(words: string[], known: readonly T[]): readonly T[] {
  const found = known.find((word) => word === words[0]);
  if (found === undefined) return known;
  words.shift();
  return [found];
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      exec: { type: "string" },
      copy: { type: "string", multiple: true, default: [] },
      limit: { type: "string", default: "600" },
      full: { type: "boolean", default: false },
      preempt: { type: "boolean", default: false },
      static: { type: "boolean", default: false },
    },
  });
  const series = take(positionals, values.preempt ? preemptible : SERIES);
  if (values.exec !== undefined) {
    const limit = Number(values.limit);
    if (!(limit > 0)) throw new UsageError(`--limit ${values.limit}: not a number of seconds`);
    const [only] = series;
    if (!only || series.length > 1 || positionals.length > 0)
      throw new UsageError("--exec needs one known kernel");
    return execute(only, values.exec, values.copy, limit, values.preempt ? [PREEMPT] : []);
  }
  const backends = take(positionals, BACKENDS);
  const [filter, ...excess] = positionals;
  if (excess.length > 0)
    throw new UsageError(`${positionals.join(" ")}: at most one case; a kernel or back end misspelt?`);

  if (filter !== undefined && /^\d/.test(filter)) throw new UsageError(`no kernel ${filter}`);

  const { passed, failed } = await runMatrix({
    series,
    backends,
    filter,
    full: values.full,
    isPreempted: values.preempt,
    isStatic: values.static,
  });
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed > 0 ? 1 : 0;
}

// Machines and their files go with the process.
for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.on(signal, () => process.exit(status));
}

try {
  process.exitCode = await main(Bun.argv.slice(2));
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const wrongUsage = error instanceof UsageError || String(Object(error).code).startsWith("ERR_PARSE_ARGS");
  process.stderr.write(`test/vm: ${error.message}\n${wrongUsage ? `${USAGE}\n` : ""}`);
  process.exitCode = wrongUsage ? 2 : 1;
}
