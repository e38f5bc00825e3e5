/** The one table of flags: the parser, the defaults and the help are made from it. */
import { type FormatName, formats } from "./format/index.ts";

export const backends = ["auto", "fentry", "kprobe", "tracepoint"] as const;
export type BackendChoice = (typeof backends)[number];
export const formatNames = Object.keys(formats) as FormatName[];

/** Parts of the help, in its order. */
export const groups = ["what", "who", "how much", "where to"] as const;

export interface Flag {
  readonly short?: string;
  /** what the help calls the value; a flag without one is a switch */
  readonly value?: string;
  /** may be repeated; a value flag's values may be separated by commas too (`\,` is a comma) */
  readonly list?: true;
  readonly default?: string;
  readonly group: (typeof groups)[number];
  readonly description: string;
}

export const flags = {
  type: {
    short: "t",
    value: "KIND",
    list: true,
    group: "what",
    default: "all",
    description: "only these",
  },
  bytes: { short: "x", group: "what", description: "contents too" },
  backend: {
    value: "NAME",
    default: "auto",
    group: "what",
    description: `how to hook: ${backends.join(", ")}`,
  },
  "max-bytes": {
    short: "B",
    value: "N",
    default: "0",
    group: "how much",
    description: "at most N bytes of contents an event, 0 is all; needs -x",
  },
  count: {
    short: "c",
    value: "N",
    default: "0",
    group: "how much",
    description: "stop after N events, 0 is never",
  },
  ring: {
    value: "SIZE",
    default: "16M",
    group: "how much",
    description: "ring buffer, K, M or G, rounded up to a power of two",
  },
  format: {
    short: "f",
    value: "NAME",
    default: "text",
    group: "where to",
    description: `${formatNames.slice(0, -1).join(", ")} or ${formatNames.at(-1)}`,
  },
  output: {
    short: "o",
    value: "FILE",
    default: "-",
    group: "where to",
    description: "write there, - is stdout",
  },
  "no-lost": {
    short: "L",
    group: "where to",
    description: "no lines about lost events among the events",
  },
  verbose: {
    short: "v",
    list: true,
    group: "where to",
    description: "say which hooks are used; -vv: libbpf's log",
  },
  quiet: { short: "q", group: "where to", description: "no tracing line and no totals" },
  help: { short: "h", group: "where to", description: "this text" },
  version: { group: "where to", description: "ipcdump's version; with -v those of its parts" },
} as const satisfies Record<string, Flag>;

export type FlagName = keyof typeof flags;

/** `--type`, with its short form `-t, --type` */
export function flagWords(name: FlagName): string {
  const flag: Flag = flags[name];
  return flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
}
