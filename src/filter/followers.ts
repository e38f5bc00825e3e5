/**
 * Which processes to follow when the ring had no room to report them. The kernel side knows them, and is asked.
 * Else all that such a process does would be left out, for as long as it lives.
 */
import type { BpfMap } from "../../ffi/map.ts";
import { LostReason, Member, Shared } from "../layout.ts";
import type { Filter } from "./filter.ts";

/** the low word of how many were not told of: KIND_UNKNOWN's count */
const missedWord = Shared.lost.offset / 4 + LostReason.LOST_RING_FULL * 2;

export class Followers {
  readonly #chosen: BpfMap;
  readonly #shared: Shared;
  readonly #filter: Filter;
  #missed = 0;

  /** @param chosen the kernel's map of the groups that processes are in */
  constructor(chosen: BpfMap, shared: Shared, filter: Filter) {
    this.#chosen = chosen;
    this.#shared = shared;
    this.#filter = filter;
  }

  /** To be called before events are filtered that came after the loss. */
  catchUp(): void {
    const missed = this.#shared.words[missedWord]!;
    if (missed === this.#missed) return;
    this.#missed = missed;
    const member = new Member(new Uint32Array(Member.size / 4));
    for (const key of this.#chosen.keys(1)) {
      if (this.#chosen.lookup(key, member.words)) this.#filter.include(key[0]!, member.groups);
    }
  }
}
