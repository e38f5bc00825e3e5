import type { Sink } from "../sink.ts";
import type { Ending } from "./ending.ts";

/** for a reader to catch up, in milliseconds */
const longestWait = 50;

/** Writes all that the sink has, however long its reader takes; signals come by meanwhile. @throws Failure */
export async function writeAll(sink: Sink, ending: Ending): Promise<void> {
  for (;;) {
    const flushed = sink.flush(longestWait);
    if (flushed === "gone") ending.abandon();
    if (flushed !== "blocked") return;
    if (!ending.isPatient) sink.stop();
    await Bun.sleep(0);
  }
}
