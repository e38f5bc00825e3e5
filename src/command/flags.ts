/** The one table of flags: parser, defaults, help and shell completions are made from it. */
import { type FormatName, formats } from "../format/index.ts";
import { lastRealtime, signalName } from "../kinds/signal.ts";
import { protocols } from "../message/decoders/index.ts";
import type { Flag } from "./flag.ts";
import { whoFlags } from "./whoflags.ts";

export const backends = ["auto", "fentry", "kprobe", "tracepoint"] as const;
export type BackendChoice = (typeof backends)[number];
export const colors = ["auto", "always", "never"] as const;
export type ColorChoice = (typeof colors)[number];
export const formatNames = Object.keys(formats) as FormatName[];
export const protocolNames = protocols.map(({ name }) => name);
/** Signals by name without its SIG. */
export const signalWords = Array.from({ length: lastRealtime }, (_, i) => signalName(i + 1))
  .filter((name) => name.startsWith("SIG"))
  .map((name) => name.slice("SIG".length));
export const flags = {
  type: {
    short: "t",
    value: "KIND",
    values: "kind",
    list: true,
    group: "what",
    default: "all",
    description: "only these",
  },
  "not-type": { value: "KIND", values: "kind", list: true, group: "what", description: "none of these" },
  bytes: { short: "x", group: "what", description: "contents too" },
  text: { short: "A", group: "what", description: "contents as text" },
  match: {
    value: "TEXT",
    group: "what",
    description: "with this, or /REGEX/",
    beside: "text",
  },
  who: { group: "what", description: "programs, users, containers", beside: "bytes" },
  decode: {
    value: "NAME",
    values: protocolNames,
    list: true,
    optional: true,
    group: "what",
    description: "messages, not events",
  },
  slow: {
    value: "T",
    group: "what",
    description: "late",
    beside: "decode",
  },
  errors: { group: "what", description: "failed", beside: "decode" },
  path: {
    value: "GLOB",
    list: true,
    group: "what",
    description: "only what is named like this",
  },
  port: { value: "N", list: true, group: "what", description: "with this port", beside: "path" },
  "not-path": {
    value: "GLOB",
    list: true,
    group: "what",
    description: "not what is named like this",
    rare: true,
  },
  "not-port": {
    value: "N",
    list: true,
    group: "what",
    description: "nor with this port",
    beside: "not-path",
    rare: true,
  },
  signal: {
    value: "NAME",
    values: signalWords,
    list: true,
    group: "what",
    description: "only these signals",
  },
  "not-signal": {
    value: "NAME",
    values: signalWords,
    list: true,
    group: "what",
    description: "none of these signals",
    rare: true,
  },
  "kernel-signals": {
    group: "what",
    description: "the kernel's own signals, too: faults, timers, terminals, out of memory",
    rare: true,
  },
  ...whoFlags,
  "max-bytes": {
    short: "B",
    value: "N",
    default: "0",
    group: "how much",
    description: "at most N bytes of them an event (default 0: all)",
  },
  count: {
    short: "c",
    value: "N",
    default: "0",
    group: "how much",
    description: "stop after N events",
  },
  duration: { value: "T", group: "how much", description: "after 1.5s, 2m, 1h", beside: "count" },
  join: { value: "T", group: "how much", description: "one event of those that follow within T", rare: true },
  wait: {
    value: "T",
    default: "50ms",
    group: "how much",
    description: "for who receives it, then guess",
    rare: true,
  },
  sure: { group: "how much", description: "no guesses; the totals count them", rare: true },
  ring: {
    value: "SIZE",
    default: "16M",
    group: "how much",
    description: "ring buffer: K, M or G",
    rare: true,
  },
  format: {
    short: "f",
    value: "NAME",
    values: formatNames,
    default: "text",
    group: "where to",
    description: `${formatNames.slice(0, -1).join(", ")} or ${formatNames.at(-1)}`,
  },
  brief: { group: "where to", description: "text without inodes, addresses and services", rare: true },
  summary: { group: "where to", description: "who talked to whom, at the end, instead of events" },
  map: {
    value: "FILE",
    values: "file",
    group: "where to",
    description: "the same as a map: .html, .dot, .mmd, .json, .txt",
    rare: true,
  },
  read: {
    short: "r",
    value: "FILE",
    values: "file",
    group: "where to",
    description: "show what -f pcapng wrote, - is stdin",
  },
  output: {
    short: "o",
    value: "FILE",
    values: "file",
    default: "-",
    group: "where to",
    description: "write there, - is stdout",
  },
  "no-lost": { short: "L", group: "where to", description: "no lines about lost events among the events" },
  color: {
    value: "WHEN",
    values: colors,
    default: "auto",
    group: "where to",
    description: colors.join(", "),
    rare: true,
  },
  backend: {
    value: "NAME",
    values: backends,
    default: "auto",
    group: "where to",
    description: backends.join(", "),
    rare: true,
  },
  verbose: {
    short: "v",
    list: true,
    group: "where to",
    description: "say more (-vv: all), or less",
  },
  quiet: { short: "q", group: "where to", description: "no tracing line and no totals", beside: "verbose" },
  help: {
    short: "h",
    value: "all",
    values: ["all"],
    optional: true,
    group: "where to",
    description: "this text; all: every flag",
  },
  version: { group: "where to", description: "parts with -v", beside: "help" },
} as const satisfies Record<string, Flag>;

export type FlagName = keyof typeof flags;

/** `--type`, with its short form `-t, --type` */
export function flagWords(name: FlagName): string {
  const flag: Flag = flags[name];
  return flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
}
