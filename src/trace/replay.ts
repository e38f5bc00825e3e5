/** A recording → filter → format → sink: what was traced once, shown as if it were traced now. Needs no rights. */
import type { Options } from "../command/arguments.ts";
import { Failure } from "../failure.ts";
import { kinds } from "../kinds/index.ts";
import { log } from "../log.ts";
import { BlockReader, Damage } from "../pcapng/read.ts";
import { Recording } from "../pcapng/recording.ts";
import { Sink } from "../sink.ts";
import { Ending } from "./ending.ts";
import { Shown } from "./shown.ts";
import { Source } from "./source.ts";
import { writeAll } from "./writing.ts";

/** bytes that are read at once; what is printed of them is written before more are read */
const chunkLength = 256 * 1024;
/** for more to come, in milliseconds */
const longestWait = 250;

/** Shows the recording that -r names. @throws Failure when it is damaged, after what could be read was shown */
export async function replay(options: Options, path: string): Promise<number> {
  using source = Source.open(path);
  using sink = Sink.open(options.output);
  using ending = new Ending({ child: null, count: options.count, duration: 0 });
  ending.listen();
  const shown = new Shown(options, sink, ending);
  const recording = new Recording(new Set(kinds.map((kind) => kind.name)), shown);
  sink.start();
  shown.begin();
  const damage = await readAll(source, recording, shown, sink, ending);
  recording.finish();
  sink.stop();
  if (!ending.isRead) return 0;
  shown.end();
  await writeAll(sink, ending);
  if (damage === null || recording.events > 0) log.info(shown.totals());
  if (damage !== null) {
    const rest = recording.events > 0 ? "\nWhat was before is shown." : "";
    throw new Failure(`${source.name}: at byte ${damage.offset}: ${damage.message}${rest}`);
  }
  const { foreign, firstForeign, events } = recording;
  if (foreign === 0) return 0;
  throw new Failure(
    `${source.name}: ${foreign} packets are not ipcdump's, the first at byte ${firstForeign}\n` +
      `${events > 0 ? "The others are shown." : "-r reads what ipcdump -f pcapng wrote."}`,
  );
}

/** Up to the end of the file, or to whatever ends it before; what is damaged, if anything is. @throws Failure */
async function readAll(
  source: Source,
  recording: Recording,
  shown: Shown,
  sink: Sink,
  ending: Ending,
): Promise<Damage | null> {
  const blocks = new BlockReader();
  const chunk = new Uint8Array(chunkLength);
  try {
    for (;;) {
      await writeAll(sink, ending);
      await Bun.sleep(0); // signals come by
      if (ending.takeReport()) {
        log.info(shown.totals());
        shown.tabulate();
      }
      // what was not read yet is not waited for
      ending.look(() => 0);
      ending.drained(0);
      if (ending.isOver) return null;
      const length = source.read(chunk, longestWait);
      if (length === 0) break;
      if (length === null) {
        if (sink.readerGone()) ending.abandon();
        continue;
      }
      blocks.add(chunk.subarray(0, length));
      for (let block = blocks.next(); block !== null && !ending.isOver; block = blocks.next())
        recording.add(block);
    }
    blocks.finish();
  } catch (error) {
    if (error instanceof Damage) return error;
    throw error;
  }
  return null;
}
