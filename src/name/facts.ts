/** Records that are no events → who keeps what they say. */

import type { Identity } from "../identity.ts";
import {
  AddressRecord,
  ForkRecord,
  LeftRecord,
  NameRecord,
  OomRecord,
  PassedRecord,
  PathRecord,
  ReceiveRecord,
  RecordType,
  RenameRecord,
  UdpDeliveryRecord,
  UseRecord,
  WhoRecord,
} from "../layout.ts";
import type { Identities } from "./identities.ts";
import type { Names } from "./names.ts";
import type { Owners } from "./owners.ts";
import type { Passed } from "./passed.ts";
import type { Paths } from "./paths.ts";
import type { Receivers } from "./receivers.ts";
import type { Victims } from "./victims.ts";

/** Who keeps what is said. */
export interface Keepers {
  names: Names;
  paths: Paths;
  owners: Owners;
  receivers: Receivers;
  victims: Victims;
  passed: Passed;
}

export class Facts {
  readonly #bytes: Uint8Array;
  readonly #names: Names;
  readonly #paths: Paths;
  readonly #owners: Owners;
  readonly #receivers: Receivers;
  readonly #victims: Victims;
  readonly #passed: Passed;
  readonly #name: NameRecord;
  readonly #path: PathRecord;
  readonly #use: UseRecord;
  readonly #receive: ReceiveRecord;
  readonly #address: AddressRecord;
  readonly #delivery: UdpDeliveryRecord;
  readonly #fork: ForkRecord;
  readonly #rename: RenameRecord;
  readonly #who: WhoRecord;
  readonly #oom: OomRecord;
  readonly #left: LeftRecord;

  /**
   * @param words the ring's data, which `bytes` are too
   * @param onFork told of every process that is made, where that is traced
   * @param identities with --who, or a filter by it
   * @param onIdentity told of every process whose identity came
   * @param onLeft told of what a process of cmd's had not read when it ended
   */
  constructor(
    words: Uint32Array,
    bytes: Uint8Array,
    { names, paths, owners, receivers, victims, passed }: Keepers,
    private readonly onFork: ((parent: number, child: number) => void) | null = null,
    private readonly identities: Identities | null = null,
    private readonly onIdentity: ((tgid: number, tag: number, who: Identity) => void) | null = null,
    private readonly onLeft: ((record: LeftRecord, position: number) => void) | null = null,
  ) {
    this.#bytes = bytes;
    this.#names = names;
    this.#paths = paths;
    this.#owners = owners;
    this.#receivers = receivers;
    this.#victims = victims;
    this.#passed = passed;
    this.#name = new NameRecord(words);
    this.#path = new PathRecord(words);
    this.#use = new UseRecord(words);
    this.#receive = new ReceiveRecord(words);
    this.#address = new AddressRecord(words);
    this.#delivery = new UdpDeliveryRecord(words);
    this.#fork = new ForkRecord(words);
    this.#rename = new RenameRecord(words);
    this.#who = new WhoRecord(words);
    this.#oom = new OomRecord(words);
    this.#left = new LeftRecord(words);
  }

  /** Takes in the record at this word, which stood at a position of the ring; false when it is too short or of another type. */
  take(type: number, at: number, length: number, position: number): boolean {
    const bytes = this.#bytes;
    if (type === RecordType.RECORD_NAME && length >= NameRecord.size) {
      this.#name.at = at;
      this.#names.add(this.#name, bytes);
    } else if (type === RecordType.RECORD_PATH && length >= PathRecord.data.offset) {
      this.#path.at = at;
      if (this.#path.length > length - PathRecord.data.offset) return false;
      this.#paths.add(this.#path, bytes, position);
    } else if (type === RecordType.RECORD_USE && length >= UseRecord.size) {
      this.#use.at = at;
      this.#owners.use(this.#use);
    } else if (type === RecordType.RECORD_RECEIVE && length >= ReceiveRecord.size) {
      this.#receive.at = at;
      this.#receivers.add(this.#receive);
    } else if (type === RecordType.RECORD_ADDRESS && length >= AddressRecord.size) {
      this.#address.at = at;
      this.#owners.address(this.#address, bytes, this.#paths, position);
    } else if (type === RecordType.RECORD_UDP_DELIVERY && length >= UdpDeliveryRecord.size) {
      this.#delivery.at = at;
      this.#owners.deliveries?.add(this.#delivery, bytes);
    } else if (type === RecordType.RECORD_FORK && length >= ForkRecord.size) {
      this.#fork.at = at;
      this.onFork?.(this.#fork.parent, this.#fork.child);
    } else if (type === RecordType.RECORD_RENAME && length >= RenameRecord.size) {
      this.#rename.at = at;
      this.#owners.renames.add(this.#rename, bytes);
    } else if (isPathOfProcess(type) && length >= PathRecord.data.offset) {
      this.identities?.addPath(type, at, bytes);
    } else if (type === RecordType.RECORD_WHO && length >= WhoRecord.data.offset) {
      this.#who.at = at;
      const name = this.#names.describe(this.#who, bytes);
      if (name?.known) this.onIdentity?.(this.#who.whoTgid, this.#who.whoTag, name.known.identity);
    } else if (type === RecordType.RECORD_OOM && length >= OomRecord.size) {
      this.#oom.at = at;
      this.#victims.add(this.#oom);
    } else if (type === RecordType.RECORD_PASSED && length >= PassedRecord.files.offset) {
      return this.#passed.add(at, length, position);
    } else if (type === RecordType.RECORD_LEFT && length >= LeftRecord.size) {
      this.#left.at = at;
      this.onLeft?.(this.#left, position);
    } else {
      return false;
    }
    return true;
  }
}

function isPathOfProcess(type: number): boolean {
  return type === RecordType.RECORD_EXE || type === RecordType.RECORD_CGROUP;
}
