import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import { programPath } from "../harness/programs.ts";

setDefaultTimeout(4 * PATIENCE);

const folder = mkdtempSync(join(tmpdir(), "ipcdump-sure-"));

afterAll(() => rmSync(folder, { recursive: true }));

/** What a client sends that nobody accepts: it is whose the listener is, as a guess. */
async function traced(...words: string[]) {
  const command = [await programPath("owner"), "not_accepted", folder];
  // its words go by sockets as well
  const kinds = ["-t", "unix-stream", "--backend", BACKEND, "-v", "--path", "*/owner-*"];
  using ipcdump = new Ipcdump([...kinds, ...words, "--", ...command], { stdin: "pipe" });
  await ipcdump.untilTracing();
  for (;;) {
    const before = ipcdump.stderr.length;
    ipcdump.kill("SIGUSR1");
    // -v: it ends a report
    await ipcdump.until("a report", () =>
      ipcdump.stderr.slice(before).find((line) => line.startsWith("ring: ")),
    );
    if (ipcdump.stderr.slice(before).some((line) => / 1 guessed/.test(line))) break;
  }
  ipcdump.type("\n");
  expect(await ipcdump.ended()).toBe(0);
  const totals = ipcdump.stderr.findLast((line) => / events in /.test(line))?.replace(/in .* s /, "in T s ");
  return { stdout: ipcdump.stdout, totals };
}

test("guesses are marked in every format and counted; --sure leaves them out", async () => {
  const shown = "1 events in T s (unix-stream 1), 1 guessed, 0 lost";
  const json = await traced("-f", "json");
  expect([json.stdout.map((line) => line.includes('"dst_guess":true')), json.totals]).toEqual([
    [true],
    shown,
  ]);
  const text = await traced("-f", "text");
  expect([text.stdout.map((line) => line.endsWith("dst_guess true")), text.totals]).toEqual([[true], shown]);
  const csv = await traced("-f", "csv");
  expect(csv.stdout.slice(1).map((line) => line.includes('""dst_guess"":true'))).toEqual([true]);
  const sure = await traced("-f", "json", "--sure");
  expect([sure.stdout, sure.totals]).toEqual([
    [],
    "0 events in T s (unix-stream 0), 1 guessed and left out, 0 lost",
  ]);
});
