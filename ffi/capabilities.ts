/**
 * capget(2) and capset(2). The kernel keeps capabilities by thread, and Bun has several of which it tells nobody.
 * Each is sent a signal whose handler gives them up. Sets are masks, bit n is capability n.
 */
import { dlopen, FFIType, type Pointer, toArrayBuffer } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";
import { NativeError } from "./error.ts";
import { geteuid, lastErrno, PROT_READ, PROT_WRITE } from "./libc.ts";

const { i32, i64_fast: long, pointer, u64_fast: size } = FFIType;

const { symbols: c } = dlopen("libc.so.6", {
  capget: { args: [pointer, pointer], returns: i32 }, // int capget(cap_user_header_t, cap_user_data_t)
  capset: { args: [pointer, pointer], returns: i32 }, // int capset(cap_user_header_t, const cap_user_data_t)
  getauxval: { args: [long], returns: long }, // unsigned long getauxval(unsigned long)
  getegid: { args: [], returns: i32 }, // gid_t getegid(void)
  setfsuid: { args: [i32], returns: i32 }, // int setfsuid(uid_t)
  setfsgid: { args: [i32], returns: i32 }, // int setfsgid(gid_t)
  mmap: { args: [pointer, size, i32, i32, i32, long], returns: long }, // void *mmap(...)
  mprotect: { args: [long, size, i32], returns: i32 }, // int mprotect(void *, size_t, int)
  sigaction: { args: [i32, pointer, pointer], returns: i32 }, // int sigaction(int, const struct sigaction *, struct sigaction *)
  syscall: { args: [long, long, long, long], returns: long }, // long syscall(long, ...)
});

const version = 0x2008_0522; // _LINUX_CAPABILITY_VERSION_3
const AT_SECURE = 23;
const PROT_EXEC = 4;
const privateAnonymous = 0x22; // MAP_PRIVATE | MAP_ANONYMOUS
const pageSize = 4096;
/** where the code expects `given`; build.ts has it link like this */
const givenAt = 0x800;
/** raised by no one in here, and as a fault of the thread itself blocked by none: mimalloc's own thread blocks the rest */
const SIGSYS = 31;
const SA_RESTART = 0x1000_0000;
/** struct sigaction: handler, 128 bytes of mask, flags, restorer */
const actionSize = 152;
const flagsAt = 136;
const SYS_tgkill = process.arch === "arm64" ? 131 : 234;
/** in milliseconds: how long a thread may take to come by, and between two looks */
const longest = 1000;
const interval = 1;

interface Sets {
  effective: bigint;
  permitted: bigint;
}

function header(): Uint32Array {
  return Uint32Array.of(version, 0);
}

/** Those of this thread. @throws NativeError */
export function capabilities(): Sets {
  const sets = new Uint32Array(6);
  if (c.capget(header(), sets) < 0) throw new NativeError("read", "capabilities", lastErrno());
  const joined = (low: number) => BigInt(sets[low]!) | (BigInt(sets[low + 3]!) << 32n);
  return { effective: joined(0), permitted: joined(1) };
}

/** struct __user_cap_data_struct[2], nothing of it inheritable */
function data({ effective, permitted }: Sets): Uint32Array {
  const [low, high] = [(mask: bigint) => Number(mask & 0xffff_ffffn), (mask: bigint) => Number(mask >> 32n)];
  return Uint32Array.of(low(effective), low(permitted), 0, high(effective), high(permitted), 0);
}

/** The answer of `attempt` while this thread can't use the capabilities in `mask`. @throws NativeError */
export function without<Answer>(mask: bigint, attempt: () => Answer): Answer {
  const before = capabilities();
  const { effective, permitted } = before;
  const fewer = data({ effective: effective & ~mask, permitted });
  if (c.capset(header(), fewer) < 0) throw new NativeError("set", "capabilities", lastErrno());
  try {
    return attempt();
  } finally {
    c.capset(header(), data(before));
  }
}

/**
 * What `attempt` answers while this thread has no more rights to files than its caller: it may have
 * been given some by its file. @throws NativeError
 */
export function asCaller<Answer>(attempt: () => Answer): Answer {
  if (c.getauxval(AT_SECURE) === 0) return attempt();
  const before = capabilities();
  const [user, group] = [geteuid(), c.getegid()];
  c.setfsgid(process.getgid!());
  c.setfsuid(process.getuid!());
  try {
    return without(before.effective, attempt);
  } finally {
    c.setfsuid(user);
    c.setfsgid(group);
  }
}

/**
 * Leaves all threads, for good, no more than the capabilities in `kept`. None can come back by executing a program.
 * @param code of drop.c
 * @returns the names of the threads that kept theirs: only those that block the signal, if any do
 * @throws NativeError
 */
export async function dropCapabilities(kept: bigint, code: Uint8Array): Promise<string[]> {
  const permitted = capabilities().permitted & kept;
  const old = new Uint8Array(actionSize);
  const action = new Uint8Array(actionSize);
  const view = new DataView(action.buffer);
  view.setBigUint64(0, BigInt(handler(code, { effective: permitted, permitted })), true);
  view.setUint32(flagsAt, SA_RESTART, true);
  if (c.sigaction(SIGSYS, action, old) < 0) throw new NativeError("handle", "a signal", lastErrno());
  const told = new Set<number>();
  const tell = (thread: number) => {
    if (!told.has(thread)) c.syscall(SYS_tgkill, process.pid, thread, SIGSYS);
    told.add(thread);
  };
  tell(process.pid);
  const until = performance.now() + longest;
  for (;;) {
    const left = threads().filter(({ capabilities }) => (capabilities & ~permitted) !== 0n);
    if (left.length === 0) break;
    // a second signal could come when there is no handler any more
    if (performance.now() > until) return left.map(({ name }) => name);
    for (const { id } of left) tell(id);
    await Bun.sleep(interval);
  }
  c.sigaction(SIGSYS, old, null);
  return [];
}

/**
 * The place where `code` can be called from now on. A thread may be on its way out of it at any time. @throws
 * NativeError
 */
function handler(code: Uint8Array, sets: Sets): number {
  const address = Number(c.mmap(null, pageSize, PROT_READ | PROT_WRITE, privateAnonymous, -1, 0));
  if (address === -1) throw new NativeError("map", "a page", lastErrno());
  const page = new Uint8Array(toArrayBuffer(address as Pointer, 0, pageSize));
  page.set(code);
  for (const [at, words] of [
    [givenAt, header()],
    [givenAt + header().byteLength, data(sets)],
  ] as const) {
    page.set(new Uint8Array(words.buffer), at);
  }
  if (c.mprotect(address, pageSize, PROT_READ | PROT_EXEC) < 0)
    throw new NativeError("execute", "a page", lastErrno());
  return address;
}

/** All threads of this process but those that end meanwhile, with the permitted capabilities of each. */
function threads(): { id: number; name: string; capabilities: bigint }[] {
  const found = [];
  for (const id of readdirSync("/proc/self/task").map(Number)) {
    try {
      const status = readFileSync(`/proc/self/task/${id}/status`, "utf8");
      const mask = /^CapPrm:\s*([0-9a-f]+)/m.exec(status)?.[1];
      if (mask === undefined) continue;
      found.push({ id, name: /^Name:\s*(.*)/m.exec(status)![1]!, capabilities: BigInt(`0x${mask}`) });
    } catch {
      // it has ended
    }
  }
  return found;
}
