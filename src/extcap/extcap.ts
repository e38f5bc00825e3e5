/**
 * Wireshark's side door: it calls the executable through a link in its folder of programs that capture, asks what there
 * is to capture, and has it trace into a FIFO.
 */
import { missingCapabilities } from "../attach/privileges.ts";
import { type Options, parseArguments } from "../command/arguments.ts";
import { splitList } from "../command/flagvalues.ts";
import { Failure, UsageError } from "../failure.ts";
import { config, dlts, interfaces } from "./answers.ts";
import { type Call, callOf, type Settings } from "./call.ts";
import { install, remove } from "./link.ts";

/** What to say, or what to trace. @throws Failure */
export function extcap(words: readonly string[]): string | Options {
  const call = callOf(words);
  if (call.ask === "capture") return capture(call);
  if (call.ask === "install") return install(call.folder);
  if (call.ask === "remove") return remove(call.folder);
  if (call.ask === "filter") return fault(call.filter);
  return { interfaces, dlts, config }[call.ask]();
}

function capture({ fifo, filter, settings }: Extract<Call, { ask: "capture" }>): Options {
  const missing = missingCapabilities();
  if (missing.length > 0 && missing.join() !== "CAP_SYS_PTRACE")
    throw new Failure(
      `tracing needs ${missing.join(", ")}, which this user has not\n` +
        "How to give them: sudo ipcdump extcap --install",
    );
  // what Wireshark shows makes it speak to the display, which it would show again
  const caller = process.ppid > 0 ? [`--not-pid=${process.ppid}`] : [];
  const options = optionsOf([...flagsOf(settings), ...caller, ...filter]);
  const bytes = settings.contents !== "false";
  return { ...options, output: fifo, bytes, quiet: options.verbosity === 0 };
}

/** Why Wireshark can't have a capture filter, in a line; nothing when it can. */
function fault(filter: readonly string[]): string {
  try {
    optionsOf(filter);
    return "";
  } catch (error) {
    if (error instanceof UsageError) return `${error.message.split("\n", 1)[0]}\n`;
    throw error;
  }
}

/** A capture filter is flags of ours, those that say which events. @throws UsageError */
function optionsOf(filter: readonly string[]): Options {
  const stray = filter.find((word, i) => !word.startsWith("-") && filter[i - 1]?.startsWith("-") !== true);
  if (stray !== undefined)
    throw new UsageError(`a capture filter here is flags like -p 812 or -t unix, not ${stray}`);
  const invocation = parseArguments(["-f", "pcapng", ...filter]);
  if (invocation.action !== "trace") throw new UsageError("a capture filter is flags that say which events");
  const { options } = invocation;
  const isPlain = options.format === "pcapng" && options.output === null && options.recording === null;
  if (!isPlain || options.command !== null)
    throw new UsageError("a capture filter says which events, not -f, -o, -r or -- CMD");
  return options;
}

/** The flags that the settings of the dialog mean. */
function flagsOf({ kinds, processes = "", follow, paths = "", size = "" }: Settings): string[] {
  const flag = (name: string, value: string) => (value === "" ? [] : [`--${name}=${value}`]);
  const named = splitList(processes).map((name) => name.trim());
  return [
    ...flag("type", kinds ?? ""),
    ...named.flatMap((name) => (/^\d+$/.test(name) ? flag("pid", name) : flag("comm", escaped(name)))),
    ...(follow === "true" ? ["--follow"] : []),
    ...flag("path", paths),
    ...flag("max-bytes", size),
  ];
}

/** A name that the flag's list takes as one. */
function escaped(name: string): string {
  return name.replaceAll(",", "\\,");
}
