/** Tells the kernel side which groups a process is in by who it is, so that it leaves out there what can't pass. */
import type { BpfMap } from "../../ffi/map.ts";
import type { Identity } from "../identity.ts";
import { Group, Naming } from "../layout.ts";
import type { Filter } from "./filter.ts";

export class Learning {
  readonly #named: BpfMap;
  readonly #filter: Filter;
  readonly #key = new Uint32Array(2);
  readonly #naming = new Naming(new Uint32Array(Naming.size / 4));

  /** @param named the kernel's map of the processes that it named */
  constructor(named: BpfMap, filter: Filter) {
    this.#named = named;
    this.#filter = filter;
  }

  /** A process was announced, and is known. */
  learn(tgid: number, tag: number, who: Identity): void {
    const groups = this.#filter.groupsOf(who);
    if ((groups & Group.GROUPS_UNLEARNED) !== 0) return;
    this.#key[0] = tgid;
    this.#key[1] = tag;
    const naming = this.#naming;
    if (!this.#named.lookup(this.#key, naming.words)) return;
    naming.groups = (naming.groups & ~Group.GROUPS_UNLEARNED) | groups;
    this.#named.update(this.#key, naming.words);
  }
}
