/**
 * Which events are wanted, decided once more in user space. The kernel side has left out all that it knew already.
 */

import { same } from "../bytes/same.ts";
import type { End, Event, File, Key, Meta } from "../event.ts";
import { Group } from "../layout.ts";
import type { WantedPath } from "./path.ts";
import type { Processes, Wanted } from "./wanted.ts";

/** ipcdump's own noise; see src/filter/surroundings.ts. */
export interface Noise {
  /** tty_names whose events are left out */
  readonly terminals: readonly Uint8Array[];
  /** the pager at stdout's other end, whose writes to that terminal are left out */
  readonly pager: { readonly pid: number; readonly terminal: Uint8Array } | null;
}

/** The processes of one group, made for looking up. The pids grow where descendants are followed. */
class Matcher {
  readonly pids: Set<number>;
  readonly comms: readonly Uint8Array[];
  readonly isEmpty: boolean;

  constructor({ pids, comms }: Processes) {
    this.pids = new Set(pids);
    this.comms = comms;
    this.isEmpty = pids.length === 0 && comms.length === 0;
  }

  has(end: End): boolean {
    if (end.pid > 0 && this.pids.has(end.pid)) return true;
    if (end.comm === null) return false;
    for (let i = 0; i < this.comms.length; i++) if (same(this.comms[i]!, end.comm)) return true;
    return false;
  }
}

/** Reads out of meta what --path and --port want to know. Allocates nothing. */
class Probe implements Meta {
  matched = false;
  readonly #wanted: readonly WantedPath[];
  readonly #ports: readonly number[];

  constructor(wanted: readonly WantedPath[], ports: readonly number[]) {
    this.#wanted = wanted;
    this.#ports = ports;
  }

  text(key: Key, value: Uint8Array): void {
    if (this.matched || !isPath(key)) return;
    for (let i = 0; i < this.#wanted.length; i++) {
      if (this.#wanted[i]!.matches(value)) this.matched = true;
    }
  }

  file(file: File): void {
    for (let i = 0; i < this.#wanted.length && !this.matched; i++) {
      this.matched = this.#wanted[i]!.isOf(file);
    }
  }

  integer(key: Key, low: number, high: number): void {
    if (key.name !== "src_port" && key.name !== "dst_port") return;
    if (high === 0 && this.#ports.includes(low)) this.matched = true;
  }

  flag(): void {}
}

/** Finds the terminal of a pty event in a list. */
class Terminal implements Meta {
  found = false;
  wanted: readonly Uint8Array[] = [];

  text(key: Key, value: Uint8Array): void {
    if (key.name !== "tty_name") return;
    for (let i = 0; i < this.wanted.length; i++) if (same(this.wanted[i]!, value)) this.found = true;
  }

  integer(): void {}
  flag(): void {}
}

export class Filter {
  readonly #source: Matcher;
  readonly #destination: Matcher;
  readonly #either: Matcher;
  readonly #excluded: Matcher;
  /** -- cmd and its descendants */
  readonly #command: Matcher | null;
  readonly #followed: readonly Set<number>[];
  readonly #byGroup: readonly (readonly [bit: number, pids: Set<number>])[];
  readonly #paths: Probe | null;
  readonly #ports: Probe | null;
  readonly #noise: Noise | null;
  readonly #terminal = new Terminal();
  readonly #pagerTerminal: readonly Uint8Array[];
  readonly #takesAll: boolean;

  /**
   * @param command the process that -- started, null without one
   * @param noise the events of our own surroundings that are left out, null for none
   * @param insideOnly leaves out events without an end in our pid namespace: those have no pid here
   */
  constructor(
    wanted: Wanted,
    command: number | null,
    noise: Noise | null,
    private readonly insideOnly = false,
  ) {
    this.#source = new Matcher(wanted.source);
    this.#destination = new Matcher(wanted.destination);
    this.#either = new Matcher(wanted.either);
    this.#excluded = new Matcher(wanted.excluded);
    this.#command = command === null ? null : new Matcher({ pids: [command], comms: [] });
    this.#followed = [
      ...(wanted.follow ? [this.#source.pids, this.#destination.pids, this.#either.pids] : []),
      ...(this.#command === null ? [] : [this.#command.pids]),
    ];
    this.#byGroup = [
      [Group.GROUP_SOURCE, this.#source.pids],
      [Group.GROUP_DESTINATION, this.#destination.pids],
      [Group.GROUP_EITHER, this.#either.pids],
      ...(this.#command === null ? [] : [[Group.GROUP_COMMAND, this.#command.pids] as const]),
    ];
    this.#paths = wanted.paths.length > 0 ? new Probe(wanted.paths, []) : null;
    this.#ports = wanted.ports.length > 0 ? new Probe([], wanted.ports) : null;
    this.#noise = noise;
    this.#pagerTerminal = noise?.pager ? [noise.pager.terminal] : [];
    this.#takesAll =
      [this.#source, this.#destination, this.#either, this.#excluded].every(({ isEmpty }) => isEmpty) &&
      this.#command === null &&
      this.#paths === null &&
      this.#ports === null;
  }

  /** A process descends from another that is asked for with its descendants. */
  adopt(parent: number, child: number): void {
    for (const pids of this.#followed) if (pids.has(parent)) pids.add(child);
  }

  /**
   * A process was made by another; the filter of its parent is its own. The pid of one that ended stays,
   * for its events may still come, until another process has it.
   */
  forked(parent: number, child: number): void {
    for (const pids of this.#followed) {
      if (pids.has(parent)) pids.add(child);
      else pids.delete(child);
    }
  }

  /** A process is in these groups (bits of enum group) of those that take descendants. */
  include(pid: number, groups: number): void {
    for (const [bit, pids] of this.#byGroup) {
      if ((groups & bit) !== 0 && this.#followed.includes(pids)) pids.add(pid);
    }
  }

  /** Whether an event is wanted. Called for each one: allocates nothing. */
  passes(event: Event): boolean {
    if (event.kind === "pty" && this.#noise !== null && this.#isNoise(event, this.#noise)) return false;
    const { src, dst } = event;
    if (this.insideOnly && src.pid < 0 && dst.pid < 0) return false;
    if (this.#takesAll) return true;
    if (this.#command !== null && !this.#command.has(src) && !this.#command.has(dst)) return false;
    if (!this.#source.isEmpty && !this.#source.has(src)) return false;
    if (!this.#destination.isEmpty && !this.#destination.has(dst)) return false;
    if (!this.#either.isEmpty && !this.#either.has(src) && !this.#either.has(dst)) return false;
    if (!this.#excluded.isEmpty && (this.#excluded.has(src) || this.#excluded.has(dst))) return false;
    return matches(this.#paths, event) && matches(this.#ports, event);
  }

  #isNoise(event: Event, { terminals, pager }: Noise): boolean {
    const terminal = this.#terminal;
    terminal.found = false;
    terminal.wanted = terminals;
    event.meta(terminal);
    if (!terminal.found && pager !== null && event.src.pid === pager.pid) {
      terminal.wanted = this.#pagerTerminal;
      event.meta(terminal);
    }
    return terminal.found;
  }
}

function matches(probe: Probe | null, event: Event): boolean {
  if (probe === null) return true;
  probe.matched = false;
  event.meta(probe);
  return probe.matched;
}

function isPath({ name }: Key): boolean {
  return name === "pipe_name" || name === "path" || name === "src_path" || name === "tty_name";
}
