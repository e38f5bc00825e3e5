/** One event of each kind on purpose, from one child process to another. */

import { constants } from "node:os";
import { channels } from "../../ffi/channel.ts";
import { kill, reap, spawnChild, terminated } from "../../ffi/spawn.ts";
import type { KindModule } from "../kinds/kind.ts";

const patience = 2000;

/** Who took part. */
export interface Made {
  source: number;
  destination: number;
}

/**
 * Makes it and waits until both are done.
 * @param image dist/child.elf, which both processes execute. @throws NativeError when such a channel can't be had here
 */
export async function tryKind(kind: KindModule, image: Uint8Array): Promise<Made> {
  using trial = kind.trial(channels);
  const start = (words: readonly string[]) =>
    spawnChild(image, "ipcdump", ["doctor", ...words].map(terminated), [], [...trial.descriptors], []);
  const destination = start(trial.destination);
  const source = start(trial.source(destination));
  await end(source);
  if (trial.stays) kill(destination, constants.signals.SIGKILL);
  await end(destination);
  return { source, destination };
}

async function end(pid: number): Promise<void> {
  for (const start = performance.now(); reap(pid) === null; await Bun.sleep(2)) {
    if (performance.now() - start > patience) kill(pid, constants.signals.SIGKILL);
  }
}
