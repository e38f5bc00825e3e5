/** One event of each kind on purpose, from one child process to another. */

import { readFileSync } from "node:fs";
import { constants } from "node:os";
import program from "#dist/child.elf" with { type: "file" };
import { channels } from "../../ffi/channel.ts";
import { kill, reap, spawnChild, terminated } from "../../ffi/spawn.ts";
import { isStatic } from "../attach/libbpf.ts";
import type { Kind } from "../event.ts";

/** what a process survives that does not expect it */
const harmless = constants.signals.SIGURG;
const patience = 2000;

/** Who took part. */
export interface Traffic {
  source: number;
  destination: number;
}

/** Makes it and waits until both are done. @throws NativeError when such a channel can't be had here */
export async function makeTraffic(kind: Kind): Promise<Traffic> {
  const image = readFileSync(program);
  const start = (keep: number[], ...words: string[]) =>
    spawnChild(image, isStatic, "ipcdump", ["doctor", ...words].map(terminated), [], keep, []);
  if (kind === "signal") {
    using idle = channels.pipe();
    const destination = start([idle.reading], "r", `${idle.reading}`);
    const source = start([], "k", `${destination}`, `${harmless}`);
    await end(source);
    kill(destination, constants.signals.SIGKILL);
    await end(destination);
    return { source, destination };
  }
  using channel = channels[kind]();
  const destination = start([channel.reading], "r", `${channel.reading}`);
  const source = start([channel.writing], "w", `${channel.writing}`);
  await end(source);
  await end(destination);
  return { source, destination };
}

async function end(pid: number): Promise<void> {
  for (const start = performance.now(); reap(pid) === null; await Bun.sleep(2)) {
    if (performance.now() - start > patience) kill(pid, constants.signals.SIGKILL);
  }
}
