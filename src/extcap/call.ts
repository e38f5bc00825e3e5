/** The words that Wireshark calls a capture program with, and ours beside them: `extcap --install`. */
import { printable } from "../bytes/escape.ts";
import { UsageError } from "../failure.ts";
import { words } from "./words.ts";

/** The words of a call, by what they ask for. */
export type Call =
  | { ask: "interfaces" }
  | { ask: "dlts" }
  | { ask: "config" }
  /** whether a capture filter can be taken */
  | { ask: "filter"; filter: readonly string[] }
  | {
      ask: "capture";
      fifo: string;
      filter: readonly string[];
      settings: Settings;
    }
  | { ask: "install" | "remove"; folder: string | null };

/** What the dialog of Wireshark sets, as text; those that were not touched are missing. */
export type Settings = Readonly<Partial<Record<SettingName, string>>>;

/** Settings by the word that Wireshark passes for each, with what stands in its dialog. */
export const settings = {
  kinds: { type: "multicheck", display: "Kinds", tooltip: "What to trace" },
  processes: {
    type: "string",
    display: "Processes",
    tooltip: "Process ids or names, with commas between them; empty for all",
  },
  follow: {
    type: "boolflag",
    display: "Their descendants too",
    tooltip: "Takes process ids above",
  },
  paths: {
    type: "string",
    display: "Paths",
    tooltip: "Sockets, FIFOs, terminals and queues by name, with commas between them; * stands for anything",
  },
  contents: {
    type: "boolean",
    display: "Contents",
    tooltip: "Without them there are only processes, places and sizes",
    default: "true",
  },
  size: {
    type: "unsigned",
    display: "Bytes of an event",
    tooltip: "Captures at most so many; 0 is all",
    default: "0",
  },
} as const satisfies Record<string, Setting>;

export interface Setting {
  readonly type: string;
  readonly display: string;
  readonly tooltip: string;
  readonly default?: string;
}

export type SettingName = keyof typeof settings;

const switches: readonly string[] = [
  ...["capture", "extcap-interfaces", "extcap-dlts", "extcap-config"],
  ...Object.entries<Setting>(settings).flatMap(([name, { type }]) => (type === "boolflag" ? [name] : [])),
];
const valued: readonly string[] = [
  ...["fifo", "extcap-interface", "extcap-capture-filter", "extcap-version"],
  ...Object.keys(settings).filter((name) => !switches.includes(name)),
];
const usage = "extcap takes --install [FOLDER] or --remove [FOLDER]; the rest is between Wireshark and it";

/** The name of the one interface there is. */
export const interfaceName = "ipcdump";

/** @throws UsageError */
export function callOf(all: readonly string[]): Call {
  const [first = "", folder = null, ...strays] = all;
  if (first === "--install" || first === "--remove") {
    if (strays.length > 0) throw new UsageError(`${first} takes one folder: ${printable(strays[0]!)}`);
    return { ask: first === "--install" ? "install" : "remove", folder };
  }
  const given = read(all);
  const filter = words(given.get("extcap-capture-filter") ?? "");
  if (given.has("extcap-interfaces")) return { ask: "interfaces" };
  const named = given.get("extcap-interface");
  if (named === undefined) throw new UsageError(usage);
  if (named !== interfaceName) throw new UsageError(`there is no interface ${printable(named)}`);
  if (given.has("extcap-dlts")) return { ask: "dlts" };
  if (given.has("extcap-config")) return { ask: "config" };
  if (!given.has("capture")) return { ask: "filter", filter };
  const fifo = given.get("fifo");
  if (fifo === undefined) throw new UsageError("--capture needs a place to write to: --fifo FILE");
  return { ask: "capture", fifo, filter, settings: Object.fromEntries(given) };
}

/** `--name value`, `--name=value` and switches. @throws UsageError */
function read(all: readonly string[]): Map<string, string> {
  const given = new Map<string, string>();
  for (let i = 0; i < all.length; i++) {
    const [, name = "", inline] = /^--([^=]+)(?:=(.*))?$/s.exec(all[i]!) ?? [];
    if (switches.includes(name)) {
      given.set(name, inline ?? "true");
    } else if (valued.includes(name)) {
      // some versions of Wireshark leave the version out
      const value = inline ?? (name === "extcap-version" && i + 1 === all.length ? "" : all[++i]);
      if (value === undefined) throw new UsageError(`--${name} needs a value`);
      given.set(name, value);
    } else {
      throw new UsageError(`${usage}: ${printable(all[i]!)}`);
    }
  }
  return given;
}
