/**
 * Identities of processes: from the kernel side's records, each with its name and before its first use, and from /proc
 * for those that only /proc knows. What the kernel could not read for it was not the process's own doing is
 * completed from /proc, where start time and the place of the arguments say that it is still the same program.
 */
import { whole } from "../../ffi/halves.ts";
import { joinPath } from "../bytes/path.ts";
import { same } from "../bytes/same.ts";
import type { End } from "../event.ts";
import type { Ancestor, Identity } from "../identity.ts";
import { PathRecord, RecordType, WhoRecord } from "../layout.ts";
import { nanosecondsPerTick } from "../proc/files.ts";
import { processes } from "../proc/processes.ts";
import { titled } from "./label.ts";
import { placeOf } from "./place.ts";
import { type Arguments, argumentsOf, factsOf, type ProcessLife, splitArguments } from "./process.ts";
import type { Runtimes } from "./runtimes.ts";
import { Users } from "./users.ts";

const millisecondsPerTick = 10;
const commLength = 16;
/** programs whose arguments are kept for their children */
const mostPrograms = 8192;
/** ms between two looks at a title: the most, the least, and as a part of the age of the process */
const longestRest = 1000;
const shortestRest = 4;
const restOfAge = 1 / 8;
/** ms for which an answer of /proc is good */
const freshness = 100;
const decoder = new TextDecoder();

/** A process that is known, as long as it is asked for. */
export interface KnownIdentity {
  identity: Identity;
  readonly pid: number;
  readonly life: ProcessLife;
  /** ms since boot, when its title is to be looked at again */
  due: number;
}

/** One that only /proc knows. */
interface FoundIdentity {
  readonly known: KnownIdentity;
  readonly comm: Uint8Array;
}

interface ProgramArguments extends Arguments {
  readonly exe: Uint8Array | null;
  readonly pid: number;
}

export class Identities {
  readonly #users = new Users();
  readonly #record: WhoRecord;
  readonly #path: PathRecord;
  /** of the process whose who_record comes next, by type and key */
  readonly #pending = new Map<number, Map<number, Uint8Array>>([
    [RecordType.RECORD_EXE, new Map()],
    [RecordType.RECORD_CGROUP, new Map()],
  ]);
  /** by the place of their arguments */
  #programs = new Map<number, ProgramArguments>();
  /** those from /proc, by pid */
  readonly #found = new Map<number, FoundIdentity>();
  /** ms since boot */
  #now = 0;

  /** @param words the ring's data */
  constructor(
    words: Uint32Array,
    private readonly runtimes: Runtimes | null,
  ) {
    this.#record = new WhoRecord(words);
    this.#path = new PathRecord(words);
  }

  /** To be called once a drain. @param bootSeconds CLOCK_BOOTTIME */
  tick(bootSeconds: number): void {
    this.#now = bootSeconds * 1000;
  }

  /** Keeps the arguments of those that are there: a process that is killed without a word has no more to be asked for. */
  survey(): void {
    for (const pid of processes()) {
      const facts = factsOf(pid);
      if (facts !== null) this.#keepArguments(facts.life.argStart, facts, facts.exe, pid);
    }
  }

  /** Keeps a path_record of a process. */
  addPath(type: number, at: number, bytes: Uint8Array): void {
    const record = this.#path;
    record.at = at;
    const start = at * 4 + PathRecord.data.offset;
    const length = Math.min(record.length, PathRecord.data.length);
    const path = joinPath(bytes.subarray(start, start + length), record.isCut !== 0);
    this.#pending.get(type)?.set(keyOf(record.inodeLow, record.inodeHigh), path);
  }

  /** A process by its who_record. */
  add(at: number, bytes: Uint8Array, pid: number, comm: Uint8Array): KnownIdentity {
    const record = this.#record;
    record.at = at;
    const key = keyOf(record.whoTgid, record.whoTag);
    const exe = this.#take(RecordType.RECORD_EXE, key);
    const cgroup = this.#take(RecordType.RECORD_CGROUP, key);
    const born = whole(record.bornLow, record.bornHigh);
    const life = {
      start: Math.floor(born / nanosecondsPerTick),
      argStart: whole(record.argStartLow, record.argStartHigh),
    };
    const ancestors = this.#ancestors(record, bytes);
    const { args, isCut } = this.#arguments(record, bytes, pid, exe, life, ancestors);
    const text = cgroup === null ? null : decoder.decode(cgroup);
    const identity = this.#made(comm, exe, { args, isCut }, record.uid, ancestors, text);
    return { identity, pid, life, due: this.#now + shortestRest };
  }

  #take(type: number, key: number): Uint8Array | null {
    const paths = this.#pending.get(type);
    const path = paths?.get(key) ?? null;
    paths?.delete(key);
    return path;
  }

  #ancestors(record: WhoRecord, bytes: Uint8Array): Ancestor[] {
    const { offset, size, length } = WhoRecord.ancestor;
    const count = Math.min(record.ancestors, length);
    return Array.from({ length: count }, (_, i) => {
      const start = record.at * 4 + offset + i * size;
      const comm = bytes.subarray(start + 4, start + 4 + commLength);
      const end = comm.indexOf(0);
      return {
        pid: record.words[start / 4]! || -1,
        comm: comm.slice(0, end < 0 ? commLength : end),
      };
    });
  }

  #arguments(
    record: WhoRecord,
    bytes: Uint8Array,
    pid: number,
    exe: Uint8Array | null,
    life: ProcessLife,
    ancestors: readonly Ancestor[],
  ): Arguments {
    if (life.argStart === 0) return { args: [], isCut: false };
    const start = record.at * 4 + WhoRecord.data.offset;
    const length = Math.min(record.length, WhoRecord.data.length);
    const found =
      length > 0
        ? { args: splitArguments(bytes.subarray(start, start + length)), isCut: record.isCut !== 0 }
        : (argumentsOf(pid, life) ?? this.#inherited(pid, exe, life, ancestors));
    if (found === null) return { args: [], isCut: false };
    this.#keepArguments(life.argStart, found, exe, pid);
    return found;
  }

  #keepArguments(argStart: number, { args, isCut }: Arguments, exe: Uint8Array | null, pid: number): void {
    if (this.#programs.size >= mostPrograms) this.#programs = new Map();
    this.#programs.set(argStart, { args, isCut, exe, pid });
  }

  /** A process that did nothing but end has the memory that it was born with: an ancestor's. */
  #inherited(
    pid: number,
    exe: Uint8Array | null,
    { argStart }: ProcessLife,
    ancestors: readonly Ancestor[],
  ): Arguments | null {
    const program = this.#programs.get(argStart);
    if (program === undefined || exe === null || program.exe === null || !same(exe, program.exe)) return null;
    return pid === program.pid || ancestors.some((ancestor) => ancestor.pid === program.pid) ? program : null;
  }

  #made(
    comm: Uint8Array,
    exe: Uint8Array | null,
    { args, isCut }: Arguments,
    uid: number,
    ancestors: readonly Ancestor[],
    cgroup: string | null,
  ): Identity {
    const place = placeOf(cgroup ?? "");
    this.runtimes?.name(place);
    const user = this.#users.nameOf(uid);
    const identity = { exe, args, isCut, uid, user, ancestors, cgroup, ...place };
    return { ...identity, ...titled(comm, identity) };
  }

  /** The same process under another title, or in a container whose name came; null when nothing changed. */
  renewed(known: KnownIdentity, comm: Uint8Array): Identity | null {
    if (known.due > this.#now) return null;
    const age = this.#now - known.life.start * millisecondsPerTick;
    known.due = this.#now + Math.min(longestRest, Math.max(shortestRest, age * restOfAge));
    const { identity } = known;
    const found = known.pid > 0 && known.life.argStart > 0 ? argumentsOf(known.pid, known.life) : null;
    const isTitled = found !== null && !sameArguments(found.args, identity.args);
    const isNamed = this.runtimes?.name(identity) ?? false;
    if (!isTitled && !isNamed) return null;
    const changed = { ...identity, ...(isTitled ? found : {}) };
    known.identity = { ...changed, ...titled(comm, changed) };
    return known.identity;
  }

  /** Gives an end that only /proc knew its identity, and its name as the same array as long as that is the same. */
  complete(end: End): void {
    // one whose who_record did not come yet is that very process, or /proc has it no more under this name
    if (end.tag !== undefined && end.tag !== 0 && end.who !== null) return;
    const found = end.pid > 0 && end.comm !== null ? this.#ofProcess(end.pid, end.comm) : null;
    end.who = found?.known.identity ?? null;
    if (found !== null) end.comm = found.comm;
  }

  #ofProcess(pid: number, comm: Uint8Array): FoundIdentity | null {
    const kept = this.#found.get(pid);
    if (kept !== undefined && kept.known.due > this.#now && same(kept.comm, comm)) return kept;
    const facts = factsOf(pid);
    if (facts === null) return null;
    const { life } = facts;
    const identity = this.#made(comm, facts.exe, facts, facts.uid, facts.ancestors, facts.cgroup);
    const isSame = kept !== undefined && same(kept.comm, comm) && isEqual(kept.known.identity, identity);
    const found = isSame ? kept : { known: { identity, pid, life, due: 0 }, comm: comm.slice() };
    found.known.due = this.#now + freshness;
    if (this.#found.size >= mostPrograms) this.#found.clear();
    this.#found.set(pid, found);
    return found;
  }
}

function keyOf(tgid: number, tag: number): number {
  return tgid * 2 ** 30 + tag;
}

function sameArguments(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((arg, i) => same(arg, b[i]!));
}

function isEqual(a: Identity, b: Identity): boolean {
  return (
    a.uid === b.uid &&
    a.cgroup === b.cgroup &&
    a.container?.name === b.container?.name &&
    a.pod?.name === b.pod?.name &&
    sameArguments(a.args, b.args) &&
    (a.exe === null || b.exe === null ? a.exe === b.exe : same(a.exe, b.exe))
  );
}
