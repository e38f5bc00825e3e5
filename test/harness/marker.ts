import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tryKind } from "../../src/doctor/trial.ts";
import { kinds } from "../../src/kinds/index.ts";
import { programPath } from "./programs.ts";

const child = join(import.meta.dir, "../../dist/child.elf");

/** An event that is made on purpose, for what was done before it to be printed before it. */
export interface Marker {
  source: number;
  destination: number;
  /** Resolves when nothing of it goes on; throws an Error when it failed. */
  ended: Promise<void>;
}

let known: Promise<readonly string[]> | undefined;

/** By test/programs/marker.c, in one process; of a kind that it does not know by doctor's trial of that kind. */
export async function makeMarker(kind: string): Promise<Marker> {
  known ??= kindsOfProgram();
  if (!(await known).includes(kind)) {
    const module = kinds.find(({ name }) => name === kind);
    if (module === undefined) throw new Error(`there is no kind ${kind}`);
    return { ...(await tryKind(module, readFileSync(child))), ended: Promise.resolve() };
  }
  const program = Bun.spawn([await programPath("marker"), kind], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = program.exited.then((status) => {
    if (status !== 0) throw new Error("the marker failed");
  });
  return { source: program.pid, destination: program.pid, ended };
}

/** As it names them itself when it is asked for none. */
async function kindsOfProgram(): Promise<readonly string[]> {
  const { stderr } = Bun.spawnSync([await programPath("marker")]);
  return stderr.toString().trim().split("one of: ")[1]?.split(" ") ?? [];
}
