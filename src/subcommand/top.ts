import { invocationOf, type Options, type TopOptions } from "../command/arguments.ts";
import { flags } from "../command/flags.ts";
import { duration, wholeNumber } from "../command/flagvalues.ts";
import { last, read, tracing } from "../command/given.ts";
import type { Answer, Subcommand } from "../command/subcommand.ts";
import { UsageError } from "../failure.ts";

const own = {
  batch: { short: "b", description: "frames as plain text, one after the other" },
  frames: { short: "n", value: "N", default: "0", description: "end after N of them" },
  interval: { value: "T", default: "1s", description: "between frames" },
} as const;
const all = { ...flags, ...own };

export const top: Subcommand = {
  usage: "[-b] [-n N] [FLAGS]",
  description: "live: who talks to whom, how much",
  flags: own,
  traces: true,
  run: async (words): Promise<Answer> => {
    const { given, command } = read(words, all, tracing(words));
    const traced = invocationOf(given, command);
    if (traced.action !== "trace") return traced;
    const { options } = traced;
    const top = {
      isBatch: given.has("batch"),
      frames: wholeNumber("-n", last(given, "frames", all), Number.MAX_SAFE_INTEGER),
      interval: duration("--interval", last(given, "interval", all)),
    };
    checkBoard(options, top);
    // on a screen other lines would be in the way
    const quiet = options.quiet || (!top.isBatch && options.verbosity === 0);
    return { ...traced, options: { ...options, quiet, top } };
  },
};

/** @throws UsageError for what makes no board */
function checkBoard({ summary, format, recording, command }: Options, top: TopOptions): void {
  const other = summary ? "--summary" : format !== "text" ? `-f ${format}` : recording !== null ? "-r" : null;
  if (other !== null) throw new UsageError(`top shows a board, live; leave out ${other}`);
  if (command !== null && !top.isBatch)
    throw new UsageError("top and CMD can't share a terminal; add -b, or start CMD on another one");
}
