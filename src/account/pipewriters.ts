/** Whose the bytes in a pipe are: by its ledger, and beyond that by who has it open to write. */
import { whole } from "../../ffi/halves.ts";
import type { BpfMap } from "../../ffi/map.ts";
import { printable } from "../bytes/escape.ts";
import { type End, nobody } from "../event.ts";
import { DescriptorMode, Ledger, Run, RunFlags } from "../layout.ts";
import type { Names } from "../name/names.ts";
import { addressOf, type Descriptor } from "../proc/descriptors.ts";
import { commOf, link } from "../proc/files.ts";
import type { Unread } from "./unread.ts";

export class PipeWriters {
  readonly #ledgers: BpfMap;
  readonly #names: Names;
  readonly #ledger = new Ledger(new Uint32Array(Ledger.size / 4));
  readonly #run = new Run(this.#ledger.words);

  constructor(ledgers: BpfMap, names: Names) {
    this.#ledgers = ledgers;
    this.#names = names;
  }

  /** What a pipe holds, given all its descriptors. */
  unread(descriptors: readonly Descriptor[]): Unread {
    const first = descriptors[0]!;
    const { from, isAll } = this.#written(first);
    const holders = (mode: number) => holdersOf(descriptors.filter((one) => (one.mode & mode) !== 0));
    if (!isAll) {
      const others = holders(DescriptorMode.MODE_WRITE).filter(({ pid }) =>
        from.every((end) => end.pid !== pid),
      );
      from.push(...others.map((end) => ({ ...end, guess: true })));
    }
    return {
      kind: "pipe",
      inode: first.inode,
      name: this.nameOf(first),
      ports: [0, 0],
      bytes: first.queued,
      from,
      readers: holders(DescriptorMode.MODE_READ),
    };
  }

  /** `<anonymous>`, or the path of a FIFO. */
  nameOf({ pid, fd }: Descriptor): string {
    const target = link(`/proc/${pid}/fd/${fd}`);
    return target.startsWith("/") ? printable(target) : "<anonymous>";
  }

  /** Who wrote what is in a pipe, as was seen, and whether that is all of it. */
  #written(pipe: Descriptor): { from: End[]; isAll: boolean } {
    const { inode, queued } = pipe;
    const from: End[] = [];
    const ledger = this.#ledger;
    const isKnown = this.#ledgers.lookup(addressOf(pipe), ledger.words);
    if (!isKnown || whole(ledger.inodeLow, ledger.inodeHigh) !== inode) return { from, isAll: false };
    const add = (tgid: number, tag: number, guess: boolean) => {
      const end = nobody();
      this.#names.recall(end, tgid, tag);
      end.guess = guess;
      if (from.every(({ pid }) => pid !== end.pid)) from.push(end);
    };
    let isAll = true;
    for (let i = 0; i < ledger.count; i++) {
      const run = this.#run;
      run.at = (Ledger.runs.offset + ((ledger.first + i) % Ledger.runs.length) * Ledger.runs.size) / 4;
      if (run.whoTgid === 0) isAll = false;
      else add(run.whoTgid, run.whoTag, ledger.doubted !== 0 || (run.flags & RunFlags.RUN_GUESS) !== 0);
    }
    const isBehind = queued > whole(ledger.totalLow, ledger.totalHigh);
    if (isAll && !isBehind) return { from, isAll };
    // a write that has not returned has put in the rest, and likely what was there before tracing
    if (ledger.writers === 0) return { from, isAll: false };
    add(ledger.writerTgid, ledger.writerTag, !isAll || ledger.writers > 1 || ledger.tainted !== 0);
    return { from, isAll: true };
  }
}

/** The processes that have any of these, each once. */
export function holdersOf(descriptors: readonly Descriptor[]): End[] {
  const pids = new Set(descriptors.map(({ pid }) => pid).filter((pid) => pid > 0));
  return [...pids].sort((a, b) => a - b).map((pid) => ({ pid, comm: commOf(pid), guess: false }));
}
