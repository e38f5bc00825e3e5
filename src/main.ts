#!/usr/bin/env bun
/** The executable: arguments → trace, a subcommand, help or version; exit status. */
import { isatty } from "node:tty";
import { defineCommand, runCommand } from "citty";
import { NativeError, remedyAgainst } from "../ffi/error.ts";
import { sayLast } from "../ffi/handlers.ts";
import manifest from "../package.json" with { type: "json" };
import { printable } from "./bytes/escape.ts";
import { type Options, parseArguments } from "./command/arguments.ts";
import { help } from "./command/help.ts";
import { kindWords } from "./command/selection.ts";
import { Failure, UsageError } from "./failure.ts";
import { flushLog, log, setVerbosity } from "./log.ts";
import { Sink } from "./sink.ts";
import { runSubcommand, subcommands } from "./subcommand/index.ts";

/** Set by the build (`--define`): the version of each bundled library by its name. */
declare const BUNDLE_VERSIONS: Readonly<Record<string, string>> | undefined;

/** At the end the last lines may have to wait for a slow reader of stderr, but not for ever. */
const lastWords = 1000;

// citty carries the command, and our own table parses the words. citty's parser knows neither repeated flags nor -p
// beside -P. It also accepts unknown flags.
const ipcdump = defineCommand({
  meta: { name: manifest.name, version: manifest.version, description: manifest.description },
  run: ({ rawArgs }) => run(rawArgs),
});

async function run(words: readonly string[]): Promise<number> {
  const answer = (await runSubcommand(words)) ?? parseArguments(words, Object.keys(subcommands));
  if ("text" in answer) {
    await say(answer.text, answer.file);
    return answer.status ?? 0;
  }
  if (answer.action === "help") return say(help(kindWords, subcommands, answer.isAll));
  if (answer.action === "version") return say(version(answer.verbose));
  return show(answer.options);
}

/** Traces, or shows what was traced. */
async function show(options: Options): Promise<number> {
  setVerbosity(options);
  if (options.format === "pcapng" && options.output === null && isatty(1)) {
    throw new UsageError(
      "-f pcapng is not for a terminal\nAdd -o FILE, or a pipe: ipcdump -f pcapng | wireshark -k -i -",
    );
  }
  if (options.recording !== null) {
    const { replay } = await import("./trace/replay.ts");
    return replay(options, options.recording);
  }
  const { trace } = await import("./trace/trace.ts");
  return trace(options);
}

/** A text to stdout, or to a file; a reader that leaves early is no error. */
async function say(text: string, file: string | null = null): Promise<number> {
  using sink = Sink.open(file);
  sink.start();
  sink.output.string(text);
  // Back to the event loop between the tries, so that Ctrl-C works while the reader sleeps.
  while (sink.flush(50) === "blocked") await Bun.sleep(0);
  return 0;
}

function version(verbose: boolean): string {
  const lines = [`${manifest.name} ${manifest.version}`];
  if (verbose) {
    const bundled = typeof BUNDLE_VERSIONS === "undefined" ? {} : BUNDLE_VERSIONS;
    lines.push(`bun ${Bun.version}`, ...Object.entries(bundled).map(([name, value]) => `${name} ${value}`));
  }
  return `${lines.join("\n")}\n`;
}

/** One or two lines on stderr and the exit status; a stack trace only for our own bugs and with -vv. */
function fail(error: unknown): number {
  if (error instanceof Failure) {
    log.error(error.message);
    return error.status;
  }
  const message = error instanceof Error ? error.message : String(error);
  const remedy = error instanceof NativeError ? remedyAgainst(error.errno) : null;
  log.error(message.split("\n", 2).map(printable).join("\n") + (remedy === null ? "" : `; ${remedy}`));
  if (error instanceof Error && error.stack !== undefined) log.debug(error.stack);
  return 1;
}

function leave(status: number): never {
  flushLog(lastWords);
  process.exit(status);
}

process.on("uncaughtException", (error) => leave(fail(error)));
process.on("unhandledRejection", (reason) => leave(fail(reason)));

sayLast((signal) => `ipcdump: Bun ended by ${signal}: this is a bug, please report it`);
try {
  const { result } = await runCommand(ipcdump, { rawArgs: process.argv.slice(2) });
  leave(result as number);
} catch (error) {
  leave(fail(error));
}
