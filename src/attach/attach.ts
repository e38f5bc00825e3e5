/**
 * Orders → programs that run: for each kind the first back end that this kernel really loads and
 * attaches. A refused program costs its kind that back end, never the others theirs.
 */
import { existsSync } from "node:fs";
import { kernelTypes, typesError } from "../../ffi/btf.ts";
import { describe, Errno, NativeError, remedyAgainst } from "../../ffi/error.ts";
import { Kretprobes } from "../../ffi/kretprobes.ts";
import type { Libbpf } from "../../ffi/libbpf.ts";
import { geteuid } from "../../ffi/libc.ts";
import { BpfObject } from "../../ffi/object.ts";
import {
  type Backend,
  backends,
  type Hooks,
  type Link,
  type Program,
  ProgramError,
} from "../../ffi/program.ts";
import { offersSessions } from "../../ffi/session.ts";
import { isAlive } from "../../ffi/spawn.ts";
import { refusesTrampolines } from "../../ffi/trampoline.ts";
import type { Kind } from "../event.ts";
import { Failure } from "../failure.ts";
import type { Groups } from "../filter/groups.ts";
import type { KindModule } from "../kinds/kind.ts";
import { log } from "../log.ts";
import { pidNamespace } from "../proc/processes.ts";
import { configure, isHooked, ownTgid, tells } from "./configure.ts";
import { warnOfMemory } from "./memory.ts";
import type { Orders } from "./orders.ts";
import { Plan, type Refusal, said, type Traced } from "./plan.ts";
import { preemption } from "./preemption.ts";

export class Attached implements Disposable {
  constructor(
    readonly object: BpfObject,
    readonly traced: readonly Traced[],
    readonly untraced: ReadonlyMap<Kind, string>,
    private readonly links: readonly Link[],
    private readonly kretprobes: Kretprobes,
    /** says who has what open, when it is run; null without it */
    readonly holders: Link | null,
    /** the same of everything that holds bytes, and how many */
    readonly descriptors: Link | null,
  ) {}

  get seesDeliveries(): boolean {
    return isHooked(this.traced, "loopback_ready");
  }

  [Symbol.dispose](): void {
    for (const link of this.links) link[Symbol.dispose]();
    this.kretprobes[Symbol.dispose]();
    this.object[Symbol.dispose]();
  }
}

/** of process.bpf.c, which belongs to no kind: for descendants, for --who, and for --kernel-signals */
const followingHooks = ["process_fork", "process_free"];
const becomingHooks = ["process_exec"];
const killingHooks = ["process_marked"];
/** what cmd leaves unread: of left.bpf.c */
const commandHooks = ["process_exit"];
const kprobePmu = "/sys/bus/event_source/devices/kprobe";

/** The order in which back ends are tried. */
function preference(options: Orders, mayPreempt: boolean): Backend[] {
  if (options.backend !== "auto") return [options.backend];
  return mayPreempt ? ["kprobe", "fentry", "tracepoint"] : [...backends];
}

/** The back ends that this kernel can't have, whatever the kind. */
function absentBackends(isPreempted: boolean, refusesFentry: () => boolean): Map<Backend, Refusal> {
  const absent = new Map<Backend, Refusal>();
  if (isPreempted) {
    const reason = "this kernel preempts BPF programs and would skip events";
    absent.set("fentry", { reason, errno: 0 });
  } else if (refusesFentry()) {
    absent.set("fentry", { reason: `refused here: ${describe(Errno.EPERM)}`, errno: Errno.EPERM });
  }
  if (!existsSync(kprobePmu))
    absent.set("kprobe", { reason: "this kernel has none (CONFIG_KPROBES)", errno: 0 });
  return absent;
}

/**
 * Opens, configures, loads and attaches.
 * @throws Failure when a kind named with -t can't be traced, or none at all
 */
export function attach(
  libbpf: Libbpf,
  bytes: Uint8Array,
  kinds: readonly KindModule[],
  options: Orders,
  groups: Groups,
): Attached {
  const { programs: fate, wantsPerfTracepoints } = preemption();
  const order = preference(options, fate !== "safe");
  const hooks: Hooks = Object.assign({}, ...kinds.map((kind) => kind.hooks));
  const plans = kinds.map((kind) => new Plan(kind));
  const absent = absentBackends(
    fate === "preempted",
    () => order.includes("fentry") && refusesTrampolines(libbpf),
  );
  warnOfMemory(options.ring);
  const isDead = pidNamespace() === 0 ? (other: number) => !isAlive(other) : null;
  const hasKprobes = order.includes("kprobe") && !absent.has("kprobe");
  let hasSessions = hasKprobes && offersSessions();
  if (hasKprobes && !hasSessions)
    log.verbose("not by kprobe.session: this kernel has none that keeps every return");
  let first = true;
  let ends = options.command === null ? [] : commandHooks;
  for (;;) {
    const kretprobes = new Kretprobes(() => ownTgid(libbpf), isDead);
    const object = BpfObject.open(
      libbpf,
      bytes,
      { perf: wantsPerfTracepoints, session: hasSessions },
      kretprobes,
      options.verbosity > 1 ? log.debug : null,
    );
    const links: Link[] = [];
    try {
      if (first) for (const plan of plans) plan.begin(object, order, absent);
      first = false;
      const open = plans.filter((plan) => plan.isOpen);
      if (open.length === 0) throw nothing(plans, options);
      const traced = open.map((plan) => plan.select(object));
      const processHooks = [
        ...(groups.isFollowing ? followingHooks : []),
        ...(tells(options) ? becomingHooks : []),
        ...(options.kernelSignals ? killingHooks : []),
        ...ends,
      ];
      const followers = object.programs.filter(({ hook }) => processHooks.includes(hook));
      for (const program of followers) program.enable(true);
      configure(libbpf, object, kinds, traced, options, groups);
      object.load();
      groups.fill(object);
      for (const program of followers) links.push(program.attach([]));
      groups.adopt(object);
      const programs = [...new Set(traced.flatMap(({ programs }) => programs))].sort(
        (a, b) => turn(a) - turn(b),
      );
      const byHook = new Map<string, Link>();
      for (const program of programs) {
        const link = attachOne(program, hooks, traced);
        if (link === null) continue;
        links.push(link);
        byHook.set(program.hook, link);
      }
      const [holders = null, descriptors = null] = ["holders_open", "descriptors_open"].map((hook) =>
        byHook.get(hook),
      );
      return new Attached(object, traced, untraced(plans, options), links, kretprobes, holders, descriptors);
    } catch (error) {
      for (const link of links) link[Symbol.dispose]();
      kretprobes[Symbol.dispose]();
      object[Symbol.dispose]();
      if (!(error instanceof NativeError)) throw error;
      if (error instanceof ProgramError && ends.includes(error.program.hook)) {
        ends = [];
        log.verbose(`what ends with cmd is not looked at: ${said(error)}`);
        continue;
      }
      if (error instanceof ProgramError && hasSessions && error.program.way === "kprobe.session") {
        hasSessions = false;
        log.verbose(`not by kprobe.session: ${said(error)}`);
        continue;
      }
      giveUp(plans, error);
    }
  }
}

/** Attaches a program, or runs it where that is all; null when those who have it do without. @throws ProgramError */
function attachOne(program: Program, hooks: Hooks, traced: readonly Traced[]): Link | null {
  try {
    const link = program.attach(hooks[program.hook] ?? []);
    if (!isOnce(program)) return link;
    using once = link;
    once.iterate();
    return null;
  } catch (error) {
    const having = traced.filter(({ programs }) => programs.includes(program));
    if (!(error instanceof ProgramError) || !having.every((one) => one.isOptional(program))) throw error;
    for (const one of having) one.doWithout(program, error);
    return null;
  }
}

/** Takes the program at fault from the plans that have it. @throws Failure when none is to blame */
function giveUp(plans: readonly Plan[], error: NativeError): void {
  const guilty = error instanceof ProgramError ? plans.filter((plan) => plan.isHitBy(error)) : [];
  if (!(error instanceof ProgramError) || guilty.length === 0) throw unloadable(error);
  for (const plan of guilty) plan.doWithout(error);
  if (error.errno !== Errno.EPERM && error.log !== "") log.debug(error.log);
}

function unloadable(error: NativeError): Failure {
  const words = error.log.split("\n").find((line) => /libbpf: (?!.*\bskipping )/.test(line)) ?? "";
  const cause = noBtf();
  if (cause !== null) return cause;
  const remedy =
    remedyAgainst(error.errno) ??
    (error.errno === Errno.EPERM && geteuid() !== 0
      ? "before Linux 5.11 it takes CAP_SYS_RESOURCE, too"
      : "run: ipcdump doctor");
  return new Failure(`${said(error)}; ${remedy}${words ? `\n${words}` : ""}`);
}

/** The cause of every other failure where the kernel's types are not to be had. */
function noBtf(): Failure | null {
  const error = typesError();
  if (error === 0) return null;
  if (error !== Errno.ENOENT)
    return new Failure(
      `no BTF here: cannot read ${kernelTypes}: ${describe(error)}\nOpen it, and the folders above it, to uid ${geteuid()}, or run ipcdump as root.`,
    );
  return new Failure(
    "no BTF here: /sys/kernel/btf/vmlinux is missing\nMount /sys, or use a kernel built with CONFIG_DEBUG_INFO_BTF (5.8 or later).",
  );
}

function untraced(plans: readonly Plan[], options: Orders): Map<Kind, string> {
  const without = plans.filter((plan) => !plan.isOpen);
  const named = without.find(({ kind }) => options.named.includes(kind.name));
  if (named !== undefined) throw named.failure;
  return new Map(without.map(({ kind, reason, remedy }) => [kind.name, `${reason}; ${remedy}`]));
}

function nothing(plans: readonly Plan[], options: Orders): Failure {
  const cause = noBtf();
  if (cause !== null) return cause;
  if (options.named.length > 0) untraced(plans, options);
  const reasons = plans.map(({ kind, reason }) => `${kind.name}: ${reason}`).join("\n");
  return new Failure(`nothing can be traced here; ${reasons}`);
}

/** Whether a program looks at what there is, once, when those are attached that it makes known to. */
function isOnce({ hook }: Program): boolean {
  return hook === "calls_begun" || hook === "functions_begun";
}

/**
 * When a program is attached: what functions receive is counted before what they send, or the receive of a message
 * that was counted might not be.
 */
function turn({ hook, isAtReturn }: Program): number {
  // what is seen to begin is seen to end
  if (isAtReturn && hook.startsWith("functions_")) return 0;
  if (hook === "copies_out" || /^functions_\w+_receive_begins$/.test(hook)) return 1;
  if (hook === "functions_begun") return 2;
  return hook === "calls_begun" ? 4 : 3;
}
