import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { programPath } from "../harness/programs.ts";
import { Trace } from "../harness/trace.ts";

setDefaultTimeout(2 * PATIENCE);

let folder: string;
let trace: Trace;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "ipcdump-paths-")));
  trace = await Trace.start("pipe");
}, 2 * PATIENCE);

afterAll(async () => {
  await trace?.stop();
  // deeper than a path can be long
  Bun.spawnSync(["rm", "-rf", folder]);
}, 2 * PATIENCE);

/** Two processes and a FIFO, so many folders of such a name deep: its path. */
async function fifo(depth: number, name: string): Promise<string> {
  const command = [await programPath("deep"), folder, `${depth}`, name];
  expect(Bun.spawnSync(command, { stderr: "inherit" }).exitCode).toBe(0);
  return `${folder}${`/${name}`.repeat(depth)}/fifo-${depth}`;
}

test.each([
  [10, "short"],
  [65, "s"],
  [200, "s"],
  [15, "l".repeat(250)],
  [17, "l".repeat(250)],
  [40, "l".repeat(250)],
])("a FIFO %d folders deep: all of its path, or the end of it behind an ellipsis", async (depth, name) => {
  const path = await fifo(depth, name);
  await trace.settle();
  const names = trace.events
    .map(({ meta }) => String(meta.pipe_name))
    .filter((text) => text.endsWith(`/fifo-${depth}`));
  expect(names).toHaveLength(1);
  if (depth < 60 && path.length < 4000) expect(names[0]).toBe(path);
  else {
    expect(names[0]).toStartWith("…/");
    expect(path).toEndWith(names[0]!.slice(1));
    expect(names[0]!.split("/").length).toBeGreaterThan(15);
  }
});
