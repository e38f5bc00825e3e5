/** What the kernel side is told before it is loaded. */
import type { Libbpf } from "../../ffi/libbpf.ts";
import type { BpfObject } from "../../ffi/object.ts";
import { initialTgid } from "../../ffi/self.ts";
import type { Groups } from "../filter/groups.ts";
import { isByIdentity } from "../filter/wanted.ts";
import type { KindModule } from "../kinds/kind.ts";
import { Config } from "../layout.ts";
import { pidNamespace } from "../proc/processes.ts";
import type { Orders } from "./orders.ts";
import type { Traced } from "./plan.ts";

/** Whether the kernel side says who processes are. */
export function tells({ who, wanted }: Orders): boolean {
  return who || isByIdentity(wanted);
}

/** Our own number, as BPF programs have it. @throws NativeError in a pid namespace before Linux 5.10 */
export function ownTgid(libbpf: Libbpf): number {
  return pidNamespace() === 0 ? process.pid : initialTgid(libbpf);
}

/** Whether a hook is taken by any kind that is traced. */
export function isHooked(traced: readonly Traced[], wanted: string): boolean {
  return traced.some(({ programs }) => programs.some(({ hook }) => hook === wanted));
}

/** Whether a kind is among those that the programs for system calls serve. */
function isByCalls({ programs }: Traced): boolean {
  return programs.some(({ hook }) => hook === "calls_exit");
}

/** Sets all of it. @throws NativeError */
export function configure(
  libbpf: Libbpf,
  object: BpfObject,
  kinds: readonly KindModule[],
  traced: readonly Traced[],
  options: Orders,
  groups: Groups,
): void {
  const config = new Config(object.map(".rodata.config").words(Config.size));
  config.contents = options.bytes ? 1 : 0;
  config.maxBytes = options.maxBytes;
  config.pidNamespace = pidNamespace();
  config.ownTgid = ownTgid(libbpf);
  config.deliveries = isHooked(traced, "loopback_ready") ? 1 : 0;
  config.unixDeliveries = isHooked(traced, "unix_ready") ? 1 : 0;
  config.sends = isHooked(traced, "sends_length") ? 1 : 0;
  config.receives = isHooked(traced, "sends_received") ? 1 : 0;
  config.kinds = kinds.reduce((mask, { id }) => mask | (1 << id), 0);
  config.calls = traced.filter(isByCalls).reduce((mask, { kind: { id } }) => mask | (1 << id), 0);
  for (const number of options.wanted.signals) {
    if (number > 32) config.signalsHigh |= 1 << (number - 33);
    else config.signalsLow |= 1 << (number - 1);
  }
  config.kernelSignals = options.kernelSignals ? 1 : 0;
  config.noSelf = options.wanted.noSelf ? 1 : 0;
  config.who = tells(options) ? 1 : 0;
  config.sums = options.sums ? 1 : 0;
  if (!options.sums) object.map("sums").maxEntries = 1;
  groups.configure(object, config);
  object.map("ring").maxEntries = options.ring;
  if (!options.bytes) object.map("chunks").maxEntries = 1;
}
