/**
 * Which events are wanted, decided once more in user space. The kernel side has left out all that it knew already.
 */

import { same } from "../bytes/same.ts";
import type { End, Event } from "../event.ts";
import type { Identity } from "../identity.ts";
import { Group } from "../layout.ts";
import { isInAny, type Pattern } from "../match/pattern.ts";
import { Described } from "./described.ts";
import type { Glob } from "./glob.ts";
import { type Instance, type Probe, pathProbe, portProbe, signalProbe, Terminal } from "./probe.ts";
import { isByIdentity, type Processes, type Wanted } from "./wanted.ts";

/** ipcdump's own noise; see src/filter/surroundings.ts. */
export interface Noise {
  /** terminals whose events are left out */
  readonly terminals: readonly Instance[];
  /** the pager at stdout's other end, whose writes to that terminal are left out */
  readonly pager: { readonly pid: number; readonly terminal: Instance } | null;
}

/** The processes of one group, made for looking up. The pids grow where descendants are followed. */
class Matcher {
  readonly pids: Set<number>;
  readonly comms: readonly Uint8Array[];
  readonly globs: readonly Glob[];
  readonly isEmpty: boolean;

  constructor({ pids, comms, globs }: Processes) {
    this.pids = new Set(pids);
    this.comms = comms;
    this.globs = globs;
    this.isEmpty = pids.length === 0 && comms.length === 0 && globs.length === 0;
  }

  has(end: End): boolean {
    if (end.pid > 0 && this.pids.has(end.pid)) return true;
    if (end.comm === null) return false;
    for (let i = 0; i < this.comms.length; i++) if (same(this.comms[i]!, end.comm)) return true;
    for (let i = 0; i < this.globs.length; i++) if (this.globs[i]!.matches(end.comm)) return true;
    return false;
  }
}

export class Filter {
  readonly #source: Matcher;
  readonly #destination: Matcher;
  readonly #either: Matcher;
  readonly #excluded: Matcher;
  readonly #notSource: Matcher;
  readonly #notDestination: Matcher;
  /** -- cmd and its descendants */
  readonly #command: Matcher | null;
  readonly #followed: readonly Set<number>[];
  readonly #byGroup: readonly (readonly [bit: number, pids: Set<number>])[];
  readonly #paths: Probe | null;
  readonly #ports: Probe | null;
  readonly #signals: Probe | null;
  readonly #notPaths: Probe | null;
  readonly #notPorts: Probe | null;
  readonly #noSelf: boolean;
  readonly #match: readonly Pattern[];
  readonly #describedSource: Described;
  readonly #describedDestination: Described;
  readonly #describedEither: Described;
  readonly #describedExcluded: Described;
  readonly #noise: Noise | null;
  readonly #terminal = new Terminal();
  readonly #pagerTerminal: readonly Instance[];
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
    this.#notSource = new Matcher(wanted.notSource);
    this.#notDestination = new Matcher(wanted.notDestination);
    this.#command = command === null ? null : new Matcher({ pids: [command], comms: [], globs: [] });
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
    this.#paths = pathProbe(wanted.paths);
    this.#ports = portProbe(wanted.ports);
    this.#signals = signalProbe(wanted.signals);
    this.#notPaths = pathProbe(wanted.notPaths);
    this.#notPorts = portProbe(wanted.notPorts);
    this.#noSelf = wanted.noSelf;
    this.#match = wanted.match;
    this.#describedSource = new Described(wanted.describedSource);
    this.#describedDestination = new Described(wanted.describedDestination);
    this.#describedEither = new Described(wanted.describedEither);
    this.#describedExcluded = new Described(wanted.describedExcluded, true);
    this.#noise = noise;
    this.#pagerTerminal = noise?.pager ? [noise.pager.terminal] : [];
    const matchers = [this.#source, this.#destination, this.#either];
    const none = [this.#excluded, this.#notSource, this.#notDestination];
    const probes = [this.#paths, this.#ports, this.#signals, this.#notPaths, this.#notPorts];
    this.#takesAll =
      [...matchers, ...none].every(({ isEmpty }) => isEmpty) &&
      this.#command === null &&
      probes.every((probe) => probe === null) &&
      !this.#noSelf &&
      this.#match.length === 0 &&
      !isByIdentity(wanted);
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
    // 0 is the kernel, which is in no pid namespace
    if (this.insideOnly && src.pid <= 0 && dst.pid < 0) return false;
    if (this.#takesAll) return true;
    if (this.#command !== null && !this.#command.has(src) && !this.#command.has(dst)) return false;
    if (!this.#source.isEmpty && !this.#source.has(src)) return false;
    if (!this.#destination.isEmpty && !this.#destination.has(dst)) return false;
    if (!this.#either.isEmpty && !this.#either.has(src) && !this.#either.has(dst)) return false;
    if (!this.#excluded.isEmpty && (this.#excluded.has(src) || this.#excluded.has(dst))) return false;
    if (!this.#notSource.isEmpty && this.#notSource.has(src)) return false;
    if (!this.#notDestination.isEmpty && this.#notDestination.has(dst)) return false;
    if (this.#noSelf && src.pid > 0 && src.pid === dst.pid) return false;
    if (!this.#isDescribed(src, dst)) return false;
    return this.#isPlaceWanted(event) && isInAny(this.#match, event.contents);
  }

  #isDescribed({ who: src }: End, { who: dst }: End): boolean {
    if (!this.#describedSource.isEmpty && !this.#describedSource.has(src)) return false;
    if (!this.#describedDestination.isEmpty && !this.#describedDestination.has(dst)) return false;
    const either = this.#describedEither;
    if (!either.isEmpty && !either.has(src) && !either.has(dst)) return false;
    const excluded = this.#describedExcluded;
    return excluded.isEmpty || !(excluded.has(src) || excluded.has(dst));
  }

  /**
   * The groups that the kernel side may take a process for, by who it is: bits of enum group. Where the answer may be
   * another one soon it is left open, and every event comes here.
   */
  groupsOf(who: Identity): number {
    const groups: [described: Described, bit: number][] = [
      [this.#describedSource, Group.GROUP_WHO_SOURCE],
      [this.#describedDestination, Group.GROUP_WHO_DESTINATION],
      [this.#describedEither, Group.GROUP_WHO_EITHER],
      [this.#describedExcluded, Group.GROUP_EXCLUDED],
    ];
    let bits = 0;
    for (const [described, bit] of groups) {
      if (!described.mayChange(who)) bits |= !described.isEmpty && described.has(who) ? bit : 0;
      else if (bit !== Group.GROUP_EXCLUDED) bits |= Group.GROUPS_UNLEARNED;
    }
    return bits;
  }

  /** What an event's meta has to say. */
  #isPlaceWanted(event: Event): boolean {
    if (this.#paths !== null && !this.#paths.isIn(event)) return false;
    if (this.#ports !== null && !this.#ports.isIn(event)) return false;
    if (this.#notPaths?.isIn(event) || this.#notPorts?.isIn(event)) return false;
    return this.#signals === null || event.kind !== "signal" || this.#signals.isIn(event);
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
