/**
 * The filter's groups as the kernel side has them (bpf/select.h): which processes are in which, by pid and by name.
 * src/filter/filter.ts decides once more on events that pass there.
 */
import type { BpfObject } from "../../ffi/object.ts";
import { type Config, Group, Member, Naming, Shared } from "../layout.ts";
import { eachDescendant } from "../proc/descendants.ts";
import { Automaton } from "./automaton.ts";
import { Described, type Description } from "./described.ts";
import type { Processes, Wanted } from "./wanted.ts";

const {
  GROUP_SOURCE,
  GROUP_DESTINATION,
  GROUP_EITHER,
  GROUP_EXCLUDED,
  GROUP_COMMAND,
  GROUP_NOT_SOURCE,
  GROUP_NOT_DESTINATION,
} = Group;
/** living descendants that are told apart in the kernel; with more it leaves them to user space */
const descendantRoom = 16384;

export class Groups {
  /** bits of enum group by pid */
  readonly #pids = new Map<number, number>();
  /** the same by name, which is kept as the words of a struct comm */
  readonly #comms = new Map<string, { words: Uint32Array; groups: number }>();
  /** and by names that are patterns */
  readonly #globs = new Automaton();
  #globGroups = 0;
  /** those that are decided by who a process is, once it was announced */
  readonly #whoGroups: number;
  /** the groups that take descendants too */
  readonly #followed: number;
  readonly #adopted: [parent: number, child: number][] = [];

  /** @param command the process that -- started, null without one */
  constructor(wanted: Wanted, command: number | null) {
    this.#add(GROUP_SOURCE, wanted.source);
    this.#add(GROUP_DESTINATION, wanted.destination);
    this.#add(GROUP_EITHER, wanted.either);
    this.#add(GROUP_EXCLUDED, wanted.excluded);
    this.#add(GROUP_NOT_SOURCE, wanted.notSource);
    this.#add(GROUP_NOT_DESTINATION, wanted.notDestination);
    this.#whoGroups = Groups.#byIdentity(wanted);
    if (command !== null) this.#add(GROUP_COMMAND, { pids: [command], comms: [], globs: [] });
    this.#followed =
      (wanted.follow ? GROUP_SOURCE | GROUP_DESTINATION | GROUP_EITHER : 0) |
      (command === null ? 0 : GROUP_COMMAND);
  }

  static #byIdentity(wanted: Wanted): number {
    const groups: [description: Description, bit: number][] = [
      [wanted.describedSource, Group.GROUP_WHO_SOURCE],
      [wanted.describedDestination, Group.GROUP_WHO_DESTINATION],
      [wanted.describedEither, Group.GROUP_WHO_EITHER],
      [wanted.describedExcluded, GROUP_EXCLUDED],
    ];
    return groups.reduce(
      (all, [description, bit]) => (new Described(description).isEmpty ? all : all | bit),
      0,
    );
  }

  #add(group: number, { pids, comms, globs }: Processes): void {
    for (const glob of globs) {
      this.#globs.add(group, glob);
      this.#globGroups |= group;
    }
    for (const pid of pids) this.#pids.set(pid, this.of(pid) | group);
    for (const comm of comms) {
      const bytes = new Uint8Array(Naming.comm.length);
      bytes.set(comm);
      const key = bytes.toHex();
      const groups = (this.#comms.get(key)?.groups ?? 0) | group;
      this.#comms.set(key, { words: new Uint32Array(bytes.buffer), groups });
    }
  }

  /** Whether processes have to be followed as they are made. */
  get isFollowing(): boolean {
    return this.#followed !== 0;
  }

  /** The descendants that `adopt` found, a parent always before its children. */
  get adopted(): readonly (readonly [parent: number, child: number])[] {
    return this.#adopted;
  }

  /** The groups a process is in by its pid, as bits of enum group. */
  of(pid: number): number {
    return this.#pids.get(pid) ?? 0;
  }

  /** Before load: sets the groups that the programs look for, and the sizes of the maps. */
  configure(object: BpfObject, config: Config): void {
    config.pidGroups = [...this.#pids.values()].reduce((all, groups) => all | groups, 0);
    config.commGroups = [...this.#comms.values()].reduce((all, { groups }) => all | groups, this.#globGroups);
    this.#globs.configure(config);
    config.followedGroups = this.#followed;
    config.whoGroups = this.#whoGroups;
    const room = this.isFollowing ? descendantRoom : 0;
    object.map("chosen_pids").maxEntries = Math.max(1, this.#pids.size + room);
    object.map("chosen_comms").maxEntries = Math.max(1, this.#comms.size);
  }

  /** After load: fills the maps. @throws NativeError */
  fill(object: BpfObject): void {
    for (const pid of this.#pids.keys()) this.#put(object, pid);
    const comms = object.map("chosen_comms");
    for (const { words, groups } of this.#comms.values()) comms.update(words, Uint32Array.of(groups));
    this.#globs.fill(object);
  }

  /**
   * Takes in the descendants there are by now, once the kernel follows those to come. It looks until there are no
   * more, for one may be made while /proc is read. @throws NativeError
   */
  adopt(object: BpfObject): void {
    // cmd has none before it runs
    const roots = [...this.#pids.keys()].filter(
      (pid) => (this.of(pid) & this.#followed & ~GROUP_COMMAND) !== 0,
    );
    if (roots.length === 0) return;
    for (let known = -1; known < this.#adopted.length; ) {
      known = this.#adopted.length;
      eachDescendant(roots, (parent, child) => this.#inherit(parent, child));
      for (const [, child] of this.#adopted.slice(known)) this.#put(object, child);
    }
  }

  #inherit(parent: number, child: number): void {
    const groups = this.of(child) | (this.of(parent) & this.#followed);
    if (groups === this.of(child)) return;
    this.#pids.set(child, groups);
    this.#adopted.push([parent, child]);
  }

  #put(object: BpfObject, pid: number): void {
    const member = new Member(new Uint32Array(Member.size / 4));
    member.groups = this.of(pid);
    if (object.map("chosen_pids").update(Uint32Array.of(pid), member.words)) return;
    new Shared(object.map(".bss.shared").words(Shared.size)).crowded = 1;
  }
}
