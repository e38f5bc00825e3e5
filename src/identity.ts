/** Who a process is beside its number and its name. */

/** A process above another one. */
export interface Ancestor {
  /** -1: it is outside our pid namespace */
  readonly pid: number;
  readonly comm: Uint8Array;
}

export interface Container {
  /** as the runtime has it, 64 digits for most */
  readonly id: string;
  readonly runtime: string;
  /** null while the runtime has not told it */
  name: string | null;
}

export interface Pod {
  readonly uid: string;
  /** as above */
  name: string | null;
}

/** Where a process runs, by its cgroup. */
export interface CgroupPlace {
  readonly container: Container | null;
  /** of podman's pods it is the runtime that tells of them */
  pod: Pod | null;
  readonly unit: string | null;
}

/** It is never changed but for names that a runtime tells later; what a process became is another one. */
export interface Identity extends CgroupPlace {
  /** null: a thread of the kernel, or not known */
  readonly exe: Uint8Array | null;
  readonly args: readonly Uint8Array[];
  /** the arguments are longer than 4,096 bytes, and end there */
  readonly isCut: boolean;
  readonly uid: number;
  /** null: the uid has no name here */
  readonly user: string | null;
  /** the parent first, then its own, up to the leader of a session */
  readonly ancestors: readonly Ancestor[];
  readonly cgroup: string | null;
  /** what stands behind the name in text, with its brackets, and is written out already */
  readonly label: Uint8Array;
  /** the name with it, as bytes */
  readonly title: Uint8Array;
}
