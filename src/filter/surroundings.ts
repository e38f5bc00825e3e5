/** ipcdump's own surroundings. A program that shows its output makes events, and showing those would make more. */
import { statSync } from "node:fs";
import { printable, processText } from "../bytes/escape.ts";
import { commOf, link, list } from "../proc/files.ts";
import { Holders } from "../proc/holders.ts";
import { processes } from "../proc/processes.ts";
import type { Noise } from "./filter.ts";
import { deviceOf } from "./path.ts";
import type { Instance } from "./probe.ts";

const standard = [0, 1, 2];
const stdout = 1;
const encoder = new TextEncoder();

/** The events of our surroundings that are left out; null when there are none. */
export interface Surroundings {
  noise: Noise;
  /** the lines to the user about it */
  lines: string[];
}

/** Looks at our own descriptors in /proc, and for the process whose stdin is our stdout. */
export function surroundings(): Surroundings | null {
  const terminals = [...new Set(standard.map((fd) => terminalOf(`/proc/self/fd/${fd}`)))].filter(
    (name) => name !== null,
  );
  const pager = findPager();
  const told = terminals.map((name) => `terminal ${name}`);
  if (pager !== null && !terminals.includes(pager.terminal)) {
    told.push(`what ${pager.pid}(${pager.comm}) writes to terminal ${pager.terminal}`);
  }
  if (told.length === 0) return null;
  return {
    noise: {
      terminals: terminals.map(instanceOf),
      pager: pager === null ? null : { pid: pager.pid, terminal: instanceOf(pager.terminal) },
    },
    lines: [`not shown: ${told.join(", ")}; --self shows it`, ...terminals.flatMap(relayed)],
  };
}

/** `pts/3` when the link of a descriptor leads to a pseudoterminal */
function terminalOf(path: string): string | null {
  return /^\/dev\/(pts\/\d+)$/.exec(link(path))?.[1] ?? null;
}

/** In our own /dev/pts: other mounts of devpts may have a terminal of the same name. */
function instanceOf(terminal: string): Instance {
  const stats = statSync(`/dev/${terminal}`, { throwIfNoEntry: false });
  return { name: encoder.encode(terminal), device: stats === undefined ? 0 : deviceOf(stats.dev) };
}

interface Pager {
  pid: number;
  comm: string;
  terminal: string;
}

/** The process that reads our stdout, a pipe, as its stdin and shows something on a terminal. */
function findPager(): Pager | null {
  const pipe = link(`/proc/self/fd/${stdout}`);
  if (!pipe.startsWith("pipe:")) return null;
  for (const pid of processes()) {
    if (pid === process.pid || link(`/proc/${pid}/fd/0`) !== pipe) continue;
    const terminal = terminalOf(`/proc/${pid}/fd/1`);
    if (terminal !== null) return { pid, comm: printable(commOf(pid)), terminal };
  }
  return null;
}

/**
 * A multiplexer or script(1) shows our terminal's contents on another one. Each line of ours makes an event there,
 * and that makes a line here. Those are somebody else's, so they are shown, and the user is warned.
 */
function relayed(terminal: string): string[] {
  const found = new Holders().ofTerminal(Number(terminal.slice("pts/".length)), true);
  if (found === null) return [];
  const { pid } = found.holder;
  const other = list(`/proc/${pid}/fd`)
    .map((fd) => terminalOf(`/proc/${pid}/fd/${fd}`))
    .find((name) => name !== null && name !== terminal);
  if (other === undefined) return [];
  const relay = processText(pid, found.holder.comm);
  return [`${relay} shows ${terminal} on ${other}, which makes events in turn; --not-pid ${pid} hides them`];
}
