/** The time namespace that ipcdump is in. */
import type { Time } from "../event.ts";
import { read } from "./files.ts";

/** The lead of its boot time over the kernel's; none before 5.6, or where the kernel has no such namespaces. */
export function bootTimeLead(): Time {
  const offsets = read("/proc/self/timens_offsets");
  const [, seconds, nanoseconds] = /^boottime\s+(-?\d+)\s+(\d+)/m.exec(offsets) ?? [];
  return { seconds: Number(seconds ?? 0), nanoseconds: Number(nanoseconds ?? 0) };
}
