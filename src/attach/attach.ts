/**
 * Options → programs that run: for each kind the first back end that this kernel really loads and
 * attaches. A refused program costs its kind that back end, never the others theirs.
 */
import { existsSync } from "node:fs";
import { describe, Errno, errnoName, NativeError } from "../../ffi/error.ts";
import type { Libbpf } from "../../ffi/libbpf.ts";
import { geteuid } from "../../ffi/libc.ts";
import { type Backend, BpfObject, backends, type Hooks, type Link, type Program } from "../../ffi/object.ts";
import { initialTgid } from "../../ffi/self.ts";
import { refusesTrampolines } from "../../ffi/trampoline.ts";
import type { Options } from "../command/arguments.ts";
import type { Kind } from "../event.ts";
import { Failure } from "../failure.ts";
import type { Groups } from "../filter/groups.ts";
import type { KindModule } from "../kinds/kind.ts";
import { Config } from "../layout.ts";
import { log } from "../log.ts";
import { pidNamespace } from "../proc/processes.ts";
import { preemption } from "./preemption.ts";

/** A kind that is traced, and how. */
export interface Traced {
  kind: KindModule;
  backend: Backend;
  programs: readonly Program[];
  /** as the `tracing` line says it */
  unseen: readonly string[];
}

export class Attached implements Disposable {
  constructor(
    readonly object: BpfObject,
    readonly traced: readonly Traced[],
    readonly untraced: ReadonlyMap<Kind, string>,
    private readonly links: readonly Link[],
  ) {}

  get seesDeliveries(): boolean {
    return seesDeliveries(this.traced);
  }

  [Symbol.dispose](): void {
    for (const link of this.links) link[Symbol.dispose]();
    this.object[Symbol.dispose]();
  }
}

/** of process.bpf.c, which belongs to no kind */
const processHooks = ["process_fork", "process_free"];
const kprobePmu = "/sys/bus/event_source/devices/kprobe";

/** The order in which back ends are tried. */
function preference(options: Options, mayPreempt: boolean): Backend[] {
  if (options.backend !== "auto") return [options.backend];
  return mayPreempt ? ["kprobe", "fentry", "tracepoint"] : [...backends];
}

/** A kind on its way to a back end. */
interface Plan {
  kind: KindModule;
  /** back ends still to be tried, the first is the current one */
  candidates: Backend[];
  /** optional hooks whose programs this kernel refused */
  without: Set<string>;
  reason: string;
}

/**
 * Opens, configures, loads and attaches.
 * @throws Failure when a kind named with -t can't be traced, or none at all
 */
export function attach(
  libbpf: Libbpf,
  bytes: Uint8Array,
  kinds: readonly KindModule[],
  options: Options,
  groups: Groups,
): Attached {
  const { programs: fate, wantsPerfTracepoints } = preemption();
  const order = preference(options, fate !== "safe");
  const hooks: Hooks = Object.assign({}, ...kinds.map((kind) => kind.hooks));
  const plans = kinds.map((kind): Plan => ({ kind, candidates: [], without: new Set(), reason: "" }));
  const absent = new Map<Backend, string>();
  if (fate === "preempted") absent.set("fentry", "this kernel preempts BPF programs and would skip events");
  else if (order.includes("fentry") && refusesTrampolines(libbpf))
    absent.set("fentry", `refused here: ${describe(Errno.EPERM)}`);
  if (!existsSync(kprobePmu)) absent.set("kprobe", "this kernel has none (CONFIG_KPROBES)");
  let first = true;
  for (;;) {
    const object = BpfObject.open(
      libbpf,
      bytes,
      wantsPerfTracepoints,
      options.verbosity > 1 ? log.debug : null,
    );
    const links: Link[] = [];
    try {
      if (first) for (const plan of plans) plan.candidates = candidates(object, plan, order, absent);
      first = false;
      const open = plans.filter((plan) => plan.candidates.length > 0);
      if (open.length === 0) throw nothing(plans, options);
      const traced = open.map((plan) => select(object, plan));
      const followers = groups.isFollowing
        ? object.programs.filter(({ hook }) => processHooks.includes(hook))
        : [];
      for (const program of followers) program.enable(true);
      configure(libbpf, object, kinds, traced, options, groups);
      object.load();
      groups.fill(object);
      for (const program of followers) links.push(program.attach([]));
      groups.adopt(object);
      for (const program of new Set(traced.flatMap(({ programs }) => programs))) {
        links.push(program.attach(hooks[program.hook] ?? []));
      }
      return new Attached(object, traced, untraced(plans, options), links);
    } catch (error) {
      for (const link of links) link[Symbol.dispose]();
      object[Symbol.dispose]();
      if (!(error instanceof NativeError)) throw error;
      giveUp(plans, error);
    }
  }
}

function candidates(
  object: BpfObject,
  plan: Plan,
  order: readonly Backend[],
  absent: ReadonlyMap<Backend, string>,
): Backend[] {
  const offered = new Set(
    programsOf(object, plan.kind).flatMap(({ hook, backend }) =>
      backend === "any" ? (plan.kind.within?.[hook] ?? []) : [backend],
    ),
  );
  const wanted = order.filter((backend) => offered.has(backend));
  // a kind with one way to be seen is seen that way, whatever is asked for
  const all = wanted.length > 0 ? wanted : backends.filter((backend) => offered.has(backend));
  if (all.length === 0) all.push("tracepoint");
  for (const [backend, reason] of absent) {
    if (!all.includes(backend)) continue;
    plan.reason = `${backend}: ${reason}`;
    log.verbose(`${plan.kind.name}: not ${plan.reason}`);
  }
  return all.filter((backend) => !absent.has(backend));
}

function programsOf(object: BpfObject, kind: KindModule): Program[] {
  return object.programs.filter(({ hook }) => kind.hooks[hook] !== undefined);
}

/** Whether a kind has a hook with a back end. */
function has(kind: KindModule, hook: string, backend: Backend | undefined): boolean {
  if (backend === undefined || kind.hooks[hook] === undefined) return false;
  return kind.within?.[hook]?.includes(backend) ?? true;
}

/** Lets load take in the programs of a plan's back end. @throws NativeError */
function select(object: BpfObject, { kind, candidates: [backend], without }: Plan): Traced {
  const unseen = [...(kind.blind[backend!] ?? [])];
  const programs = programsOf(object, kind).filter((program) => {
    if (program.backend !== backend && program.backend !== "any") return false;
    if (!has(kind, program.hook, backend)) return false;
    const lack = kind.optional?.[program.hook];
    try {
      if (!without.has(program.hook)) {
        program.aim(kind.hooks[program.hook]!);
        return true;
      }
    } catch (error) {
      if (!(error instanceof NativeError) || lack === undefined) throw error;
      log.verbose(`${kind.name}: ${program.hook} is left out: ${error.message}`);
    }
    if (lack !== undefined && lack !== null) unseen.push(lack);
    return false;
  });
  for (const program of programs) program.enable(true);
  return { kind, backend: backend!, programs, unseen };
}

/**
 * Takes the back end that failed off the plans of the kinds it failed; off all plans when the kernel
 * does not permit it at all. @throws the error when no kind is to blame
 */
function giveUp(plans: readonly Plan[], error: NativeError): void {
  const [, hook, backend] = /^(\w+?)__([a-z]+)/.exec(error.target) ?? [];
  const forbidden = error.errno === Errno.EPERM && backend === "fentry";
  const guilty = plans.filter(({ kind, candidates: [current] }) => {
    if (current === undefined) return false;
    if (forbidden) return current === "fentry";
    return hook !== undefined && has(kind, hook, current);
  });
  if (guilty.length === 0) throw unloadable(error);
  for (const plan of guilty) {
    // another back end would have the same
    if (hook !== undefined && backend === "any" && plan.kind.optional?.[hook] !== undefined) {
      plan.without.add(hook);
      log.verbose(`${plan.kind.name}: ${hook} is left out: ${error.message}`);
      continue;
    }
    const failed = plan.candidates.shift()!;
    plan.reason = `${failed}: cannot ${error.operation} ${error.target}: ${describe(error.errno)}`;
    log.verbose(`${plan.kind.name}: not ${plan.reason}`);
  }
  if (error.errno !== Errno.EPERM && error.log !== "") log.debug(error.log);
}

function unloadable(error: NativeError): Failure {
  const said = error.log.split("\n").find((line) => line.includes("libbpf:")) ?? "";
  const cause = noBtf();
  if (cause !== null) return cause;
  const remedy =
    error.errno === Errno.ENOMEM
      ? "use a smaller --ring"
      : error.errno === Errno.EPERM && geteuid() !== 0
        ? "before Linux 5.11 it takes CAP_SYS_RESOURCE, too"
        : "run: ipcdump doctor";
  return new Failure(
    `cannot ${error.operation} ${error.target}: ${describe(error.errno)}; ${remedy}${said ? `\n${said}` : ""}`,
  );
}

/** What is behind every other failure where the kernel's types are not to be had. */
function noBtf(): Failure | null {
  if (existsSync("/sys/kernel/btf/vmlinux")) return null;
  return new Failure(
    "no BTF here: /sys/kernel/btf/vmlinux is missing\nMount /sys, or use a kernel built with CONFIG_DEBUG_INFO_BTF (5.8 or later).",
  );
}

function remedy(reason: string): string {
  if (reason.includes(errnoName(Errno.EMFILE))) return "raise the limit of open files: ulimit -n 1024";
  if (reason.startsWith("tracepoint: ")) return "run: ipcdump doctor";
  return reason.includes(errnoName(Errno.EPERM))
    ? "try --backend tracepoint or more privileges, or run: ipcdump doctor"
    : "try another --backend, or run: ipcdump doctor";
}

function untraced(plans: readonly Plan[], options: Options): Map<Kind, string> {
  const without = plans.filter((plan) => plan.candidates.length === 0);
  const named = without.find(({ kind }) => options.named.includes(kind.name));
  if (named !== undefined)
    throw new Failure(`not tracing ${named.kind.name}: ${named.reason}; ${remedy(named.reason)}`);
  return new Map(without.map(({ kind, reason }) => [kind.name, `${reason}; ${remedy(reason)}`]));
}

function nothing(plans: readonly Plan[], options: Options): Failure {
  const cause = noBtf();
  if (cause !== null) return cause;
  if (options.named.length > 0) untraced(plans, options);
  const reasons = plans.map(({ kind, reason }) => `${kind.name}: ${reason}`).join("\n");
  return new Failure(`nothing can be traced here; ${reasons}`);
}

/** Whether the delivery of datagrams is hooked. */
function seesDeliveries(traced: readonly Traced[]): boolean {
  return traced.some(({ programs }) => programs.some(({ hook }) => hook === "loopback_ready"));
}

/** Whether a kind is among those that the programs for system calls serve. */
function isByCalls({ programs }: Traced): boolean {
  return programs.some(({ hook }) => hook === "calls_exit");
}

function configure(
  libbpf: Libbpf,
  object: BpfObject,
  kinds: readonly KindModule[],
  traced: readonly Traced[],
  options: Options,
  groups: Groups,
): void {
  const config = new Config(object.map(".rodata.config").words(Config.size));
  config.contents = options.bytes ? 1 : 0;
  config.maxBytes = options.maxBytes;
  config.pidNamespace = pidNamespace();
  config.ownTgid = config.pidNamespace === 0 ? process.pid : initialTgid(libbpf);
  config.deliveries = seesDeliveries(traced) ? 1 : 0;
  config.kinds = kinds.reduce((mask, { id }) => mask | (1 << id), 0);
  config.calls = traced.filter(isByCalls).reduce((mask, { kind: { id } }) => mask | (1 << id), 0);
  groups.configure(object, config);
  object.map("ring").maxEntries = options.ring;
  if (!options.bytes) object.map("chunks").maxEntries = 1;
}
