/** Row 9: what it costs to wait until it is seen who receives, where more than one process may. */
import type { Bench } from "./bench.ts";
import { compare, type TracedCase } from "./compare.ts";
import type { Figure } from "./figure.ts";
import { connections, kept } from "./positions.ts";
import { ipcdump } from "./tracers.ts";
import { KINDS, sharedPingPong } from "./workload.ts";

const ROUND_TRIPS = 100_000;

export async function waiting(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const channel of ["unix", "tcp"] as const) {
    const kind = KINDS[channel];
    const without: TracedCase = {
      name: "--wait 0",
      tracer: ipcdump(bench, kind, ["--wait", "0"]),
      target: null,
    };
    const waits: TracedCase = {
      name: "waits",
      tracer: ipcdump(bench, kind, []),
      target: 1.05,
      beyond: without.name,
    };
    figures.push(
      ...(await compare(bench, 9, sharedPingPong(bench, channel, 64, ROUND_TRIPS), [without, waits])),
      ...(await connections(bench, channel)),
      await kept(bench, channel),
    );
  }
  return figures;
}
