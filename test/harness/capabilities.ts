import { kinds } from "../../src/kinds/index.ts";

/**
 * What a back end can't see. A case that one of these excludes asserts instead that ipcdump says so, or that
 * what it shows carries a mark; docs/kernels.md tells users the same.
 */
export interface Capabilities {
  /** reads and writes by io_uring; without it the `tracing` line says `not seen: io_uring` */
  uring: boolean;
  /** the contents of what splice, tee or vmsplice take out of a pipe; without it `captured` is 0 */
  splicedContents: boolean;
  /** the writer of every byte although writes overlap; without it those carry `src_guess` */
  overlappingWriters: boolean;
}

const WITH_FUNCTIONS: Capabilities = { uring: true, splicedContents: true, overlappingWriters: true };

const CAPABILITIES: Readonly<Record<string, Capabilities>> = {
  fentry: WITH_FUNCTIONS,
  kprobe: WITH_FUNCTIONS,
  tracepoint: { uring: false, splicedContents: false, overlappingWriters: false },
};

/** Whether a kind sees requests of io_uring with every back end, but the contents of what is spliced with none. */
function seesRequests(kind: string): boolean {
  return kinds.find(({ name }) => name === kind)?.hooks.uring_complete !== undefined;
}

/** Throws an Error on a back end that the table lacks. */
export function capabilitiesOf(backend: string, kind: string): Capabilities {
  const capabilities = CAPABILITIES[backend];
  if (!capabilities) throw new Error(`test/harness/capabilities.ts does not know the back end ${backend}`);
  if (seesRequests(kind)) return { ...capabilities, uring: true, splicedContents: false };
  return capabilities;
}
