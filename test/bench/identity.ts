/** Row 7: what it costs to say who both ends are, and what it costs those who don't ask for it. */
import type { Bench } from "./bench.ts";
import { compare, type TracedCase } from "./compare.ts";
import type { Figure } from "./figure.ts";
import { ipcdump } from "./tracers.ts";
import { executions, pingPong } from "./workload.ts";

const ROUND_TRIPS = 100_000;
const EXECUTIONS = 3000;
const A_SECOND = 1000;
/** another build, to be compared with: from before a change */
const BEFORE = process.env.IPCDUMP_BEFORE;

export async function identity(bench: Bench): Promise<Figure[]> {
  const without = ipcdump(bench, "pipe", []);
  const plain: TracedCase = { name: "without --who", tracer: without, target: null };
  const before: TracedCase = {
    name: "by $IPCDUMP_BEFORE",
    tracer: { ...without, words: [BEFORE ?? "", ...without.words.slice(1)] },
    target: null,
  };
  const asked: TracedCase = { name: "with --who", tracer: ipcdump(bench, "pipe", ["--who"]), target: null };
  const talking = pingPong(bench, "pipe", 64, ROUND_TRIPS);
  const starting = executions(bench, EXECUTIONS, A_SECOND);
  return [
    ...(await compare(bench, 7, talking, [
      ...(BEFORE === undefined ? [plain] : [before, { ...plain, beyond: before.name, target: 1.02 }]),
      { ...asked, beyond: plain.name, target: 1.25 },
    ])),
    ...(await compare(bench, 7, starting, [plain, { ...asked, target: 1.1 }])),
  ];
}
