/**
 * Names of processes, as the kernel side announces them before their first use. Two generations:
 * what is not asked for while 32,768 others come is forgotten in the kernel, which then announces it
 * again, and here a generation later, for records in the ring may still rely on it. A process that still
 * lives is not forgotten here: the kernel side may know it as the one who used something last, and does
 * not announce it for that.
 */
import type { BpfMap } from "../../ffi/map.ts";
import { isAlive } from "../../ffi/spawn.ts";
import type { End } from "../event.ts";
import type { Identity } from "../identity.ts";
import { NameRecord, Naming, type WhoRecord } from "../layout.ts";
import type { Identities, KnownIdentity } from "./identities.ts";

const generation = 32768;
/** tag has 30 bits and tgid 22: together they are exact in a number */
const tagSpan = 2 ** 30;
/** names found last, which spare the maps most questions; a power of two */
const slots = 256;
/** no process has that number */
const nobody = 0xffff_ffff;

/** What a process is known as. */
export interface Name {
  /** its number in our pid namespace, -1 outside it */
  readonly pid: number;
  /** the raw bytes of its name; another array once it has another identity */
  comm: Uint8Array;
  /** null: not asked for, or it did not come */
  known: KnownIdentity | null;
}

export class Names {
  /** how often names were forgotten that nobody had asked for */
  ages = 0;
  #young = new Map<number, Name>();
  #old = new Map<number, Name>();
  /** forgotten in the kernel, not yet here */
  #leaving = new Map<number, Name>();
  /** by tgid: of those that left while they lived each under its last name, and the key of that */
  readonly #lasting = new Map<number, { key: number; name: Name }>();
  readonly #tgids = new Uint32Array(slots).fill(nobody);
  readonly #tags = new Uint32Array(slots);
  readonly #recent: (Name | null)[] = new Array<Name | null>(slots).fill(null);
  readonly #announced: BpfMap;
  readonly #key = new Uint32Array(2);

  /**
   * @param announced the kernel's map of what it told already
   * @param isNested whether our pid namespace is not the initial one, by whose numbers the kernel side goes
   * @param lives whether there is a process of this number in our pid namespace
   */
  constructor(
    announced: BpfMap,
    private readonly isNested = false,
    private readonly lives: (pid: number) => boolean = isAlive,
    private readonly identities: Identities | null = null,
  ) {
    this.#announced = announced;
  }

  /** Keeps the name of a name_record. */
  add(record: NameRecord, bytes: Uint8Array): void {
    const start = record.at * 4 + NameRecord.comm.offset;
    let length = 0;
    while (length < NameRecord.comm.length && bytes[start + length] !== 0) length++;
    const key = record.whoTgid * tagSpan + record.whoTag;
    const known = this.#search(record.whoTgid, record.whoTag)?.known ?? null;
    this.#old.delete(key);
    this.#young.set(key, { pid: record.pid || -1, comm: bytes.slice(start, start + length), known });
    if (this.#young.size >= generation) this.#age();
  }

  /** Fills `end` with a process as the kernel side knows it; tgid 0 is nobody. It is no guess. */
  fill(end: End, tgid: number, tag: number): void {
    const name = tgid === 0 ? null : this.find(tgid, tag);
    end.pid = name?.pid ?? (tgid === 0 || this.isNested ? -1 : tgid);
    end.comm = name?.comm ?? null;
    end.guess = false;
    end.tag = name === null ? 0 : tag;
    end.who = name === null ? null : this.#identify(name);
  }

  /** Keeps the identity of a who_record, which follows the name's; the name, null when that was lost. */
  describe(record: WhoRecord, bytes: Uint8Array): Name | null {
    const name = this.#search(record.whoTgid, record.whoTag);
    if (name === null || this.identities === null) return null;
    name.known = this.identities.add(record.at, bytes, name.pid, name.comm);
    return name;
  }

  #identify(name: Name): Identity | null {
    if (name.known === null || this.identities === null) return null;
    const renewed = this.identities.renewed(name.known, name.comm);
    if (renewed !== null) name.comm = name.comm.slice();
    return name.known.identity;
  }

  /** null when it was never announced: the ring was full */
  find(tgid: number, tag: number): Name | null {
    const slot = (tgid ^ tag) & (slots - 1);
    if (this.#tgids[slot] === tgid && this.#tags[slot] === tag) return this.#recent[slot] ?? null;
    const name = this.#search(tgid, tag);
    if (name !== null) {
      this.#tgids[slot] = tgid;
      this.#tags[slot] = tag;
      this.#recent[slot] = name;
    }
    return name;
  }

  #search(tgid: number, tag: number): Name | null {
    const key = tgid * tagSpan + tag;
    const name = this.#young.get(key);
    if (name !== undefined) return name;
    const old = this.#old.get(key);
    if (old === undefined) {
      const lasting = this.#lasting.get(tgid);
      return this.#leaving.get(key) ?? (lasting?.key === key ? lasting.name : null);
    }
    this.#old.delete(key);
    this.#young.set(key, old);
    return old;
  }

  /** The same as `fill`, also for a process that the kernel side noted but had no event to announce with. */
  recall(end: End, tgid: number, tag: number): void {
    this.fill(end, tgid, tag);
    if (end.comm !== null || tgid === 0) return;
    this.#key[0] = tgid;
    this.#key[1] = tag;
    const naming = new Naming(new Uint32Array(Naming.size / 4));
    if (!this.#announced.lookup(this.#key, naming.words)) return;
    const { offset, length } = Naming.comm;
    const comm = new Uint8Array(naming.words.buffer, offset, length);
    const last = comm.indexOf(0);
    end.pid = naming.pid || -1;
    end.comm = last < 0 ? comm : comm.subarray(0, last);
  }

  #age(): void {
    this.ages++;
    this.#tgids.fill(nobody); // so that the maps hear who is still asked for
    for (const key of this.#old.keys()) {
      this.#key[0] = Math.floor(key / tagSpan);
      this.#key[1] = key % tagSpan;
      this.#announced.delete(this.#key);
    }
    for (const [tgid, { name }] of this.#lasting) {
      if (!this.lives(name.pid)) this.#lasting.delete(tgid);
    }
    for (const [key, name] of this.#leaving) {
      if (name.pid > 0 && this.lives(name.pid)) this.#lasting.set(Math.floor(key / tagSpan), { key, name });
    }
    this.#leaving = this.#old;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
