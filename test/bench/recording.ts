/** Row 6: what a recording for Wireshark costs and takes, against JSON with the same contents. */
import { statSync } from "node:fs";
import type { Bench } from "./bench.ts";
import { type Figure, figure, ratios } from "./figure.ts";
import { counted, Tracer } from "./tracer.ts";
import { ipcdump } from "./tracers.ts";
import { flood, pingPong, run } from "./workload.ts";

/** what the tracer is warm after */
const FIRST_ROUND_TRIPS = 100_000;
const EVENTS = 2_000_000;
/** messages a second of 64 bytes, and a tenth of that of longer ones */
const RATE = 200_000;
const MOST = 1.3;

const FORMATS = {
  pcapng: ["-f", "pcapng"],
  "json -x": ["-f", "json", "-x"],
} as const;
type FormatName = keyof typeof FORMATS;

export async function recording(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of [64, 4096]) {
    const taken: Record<FormatName, Taken[]> = { pcapng: [], "json -x": [] };
    const count = Math.round(EVENTS / (size > 64 ? 10 : 1));
    for (let round = 0; round < bench.rounds; round++) {
      for (const format of Object.keys(FORMATS) as FormatName[])
        taken[format].push(await takenBy(bench, format, size, count));
    }
    const of = (format: FormatName, what: keyof Taken) => taken[format].map((each) => each[what]);
    const name = `a recording, pipe, ${size} B`;
    const both = (what: "cpu" | "bytes") => ratios(of("pcapng", what), of("json -x", what));
    figures.push(
      figure(6, `${name}: CPU per event, pcapng / json -x`, both("cpu"), "×", MOST),
      figure(6, `${name}: CPU per event, pcapng`, of("pcapng", "cpu"), " ns"),
      figure(6, `${name}: size per event, pcapng / json -x`, both("bytes"), "×", MOST),
      figure(6, `${name}: size per event, pcapng`, of("pcapng", "bytes"), " B"),
      figure(6, `${name}: lost`, of("pcapng", "lost"), " events", 0),
      figure(6, `${name}: packets of capinfos, less our events`, of("pcapng", "odd"), "", 0),
    );
    bench.say(
      `${name}: ${figures
        .slice(-6)
        .map(({ value }) => value)
        .join(" ")}`,
    );
  }
  return figures;
}

/** An event's CPU time in nanoseconds and its bytes in the file; how many were lost, and how many capinfos misses. */
interface Taken {
  cpu: number;
  bytes: number;
  lost: number;
  odd: number;
}

async function takenBy(bench: Bench, format: FormatName, size: number, count: number): Promise<Taken> {
  const tracer = await Tracer.start(bench, ipcdump(bench, "pipe", [...FORMATS[format], "-P", "traffic"]));
  const first = pingPong(bench, "pipe", size, FIRST_ROUND_TRIPS);
  await run(bench, first);
  await Bun.sleep(100);
  const [early, before] = [statSync(tracer.output).size, tracer.cpu];
  const work = flood(bench, "pipe", size, count, size > 64 ? RATE / 10 : RATE);
  await run(bench, work);
  await Bun.sleep(100);
  const [late, after] = [statSync(tracer.output).size, tracer.cpu];
  let packets = 0;
  const { said } = await tracer.stop((file) => {
    if (format === "pcapng") packets = packetsOf(file);
  });
  const { events, lost } = counted(said);
  // a reader may take several messages at once
  const made = events + lost - 2 * first.count;
  return {
    cpu: (after - before) / made,
    bytes: (late - early) / made,
    lost,
    odd: format === "pcapng" ? Math.abs(packets - events) : 0,
  };
}

/** As Wireshark's own capinfos counts them. */
function packetsOf(file: string): number {
  const { stdout } = Bun.spawnSync(["capinfos", "-Mc", file]);
  const found = /^Number of packets:\s*(\d+)$/m.exec(stdout.toString())?.[1];
  if (found === undefined) throw new Error("capinfos says no number of packets; try: apt-get install tshark");
  return Number(found);
}
