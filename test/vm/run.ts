import { parseArgs } from "node:util";
import { execute } from "./execute.ts";
import { SERIES, type Series } from "./kernels.ts";

const USAGE = `usage: bun test/vm/run.ts KERNEL --exec COMMAND [--copy PATH]... [--limit SECONDS]
  KERNEL    ${SERIES.join(", ")}
  --exec    run one shell command in the VM, in /copy; print its output, exit with its status
  --copy    a file or folder the VM gets in /copy, with the libraries it is linked to
  --limit   how long the command may take (600)`;

class UsageError extends Error {}

function isSeries(name: string): name is Series {
  return SERIES.some((series) => series === name);
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      exec: { type: "string" },
      copy: { type: "string", multiple: true, default: [] },
      limit: { type: "string", default: "600" },
    },
  });
  const [series = ""] = positionals;
  if (!isSeries(series)) throw new UsageError(`no kernel ${series}`);
  if (values.exec === undefined) throw new UsageError("nothing to run");
  return execute(series, values.exec, values.copy, Number(values.limit));
}

try {
  process.exitCode = await main(Bun.argv.slice(2));
} catch (error) {
  const wrongUsage =
    error instanceof UsageError || (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS");
  process.stderr.write(`test/vm: ${(error as Error).message}\n${wrongUsage ? `${USAGE}\n` : ""}`);
  process.exitCode = wrongUsage ? 2 : 1;
}
