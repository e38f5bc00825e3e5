/** Whether this kernel has kprobe.session programs that lose nothing. */
import { typesContain } from "./btf.ts";

/** names of the types that say so */
const sessions = "\0BPF_TRACE_KPROBE_SESSION\0";
/**
 * Since 6.14 they keep what a return needs on the shadow stack of each task, and these types came with it; before, all
 * calls shared a small pool, and what found none there was lost without a count.
 */
const onShadowStacks = "\0fprobe_hlist\0";

/** Asks the kernel's types; only to attach one tells for sure. */
export function offersSessions(): boolean {
  return typesContain(sessions) && typesContain(onShadowStacks);
}
