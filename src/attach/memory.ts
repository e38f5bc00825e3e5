/** Memory of a cgroup that is too small to trace in, which the kernel ends without a word. */
import { memoryLimit } from "../../ffi/caller.ts";
import { log } from "../log.ts";

const mega = 1e6;
/** in bytes, beside the ring: 105 MB are there before the first event, and a flood with contents takes another 60 */
const enough = 180 * mega;

/** Says so, before the kernel may end the tracer for it. @param ring bytes */
export function warnOfMemory(ring: number): void {
  const limit = memoryLimit();
  const needed = enough + ring;
  if (limit >= needed) return;
  log.warn(
    `its cgroup has ${Math.floor(limit / mega)}M of memory: the kernel may end ipcdump without a word; raise memory.max to ${Math.ceil(needed / mega)}M`,
  );
}
