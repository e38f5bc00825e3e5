import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { SERIES } from "../vm/kernels.ts";
import { isOffered, needsApt, planned } from "../vm/plan.ts";
import { BACKENDS } from "../vm/report.ts";

const all = readdirSync(join(import.meta.dir, "../live"))
  .filter((file) => file.endsWith(".test.ts"))
  .map((file) => file.slice(0, -".test.ts".length))
  .filter((file) => !needsApt.includes(file));

/** On which kernels, by which back ends a file runs in VMs: `6.1 fentry`. */
function places(file: string): string[] {
  return SERIES.flatMap((series) =>
    BACKENDS.filter(
      (backend) => isOffered(series, backend, false) && planned(series, backend, all).includes(file),
    ).map((backend) => `${series} ${backend}`),
  );
}

describe("what runs in VMs", () => {
  test("what depends on the back end, with each of them", () => {
    const everywhere = SERIES.flatMap((series) =>
      BACKENDS.filter((backend) => isOffered(series, backend, false)).map(
        (backend) => `${series} ${backend}`,
      ),
    );
    for (const file of ["pipe", "differential", "random"])
      expect([file, places(file)]).toEqual([file, everywhere]);
  });

  test("every way to send, once a kernel, with one back end after the other", () => {
    expect(places("ways")).toEqual(["5.10 tracepoint", "6.1 fentry", "6.12 kprobe", "7.x kprobe"]);
  });

  test("crowds only where that is asked for", () => {
    for (const file of ["crowded", "multitude", "storm"]) expect([file, places(file)]).toEqual([file, []]);
  });
});
