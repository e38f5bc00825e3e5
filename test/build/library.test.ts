import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { standardLibrary } from "../../ffi/static/library.ts";
import { Mirror, within } from "../harness/mirror.ts";
import { type Binary, offer, packed } from "../harness/repository.ts";

// of busy machines
setDefaultTimeout(120_000);

/** libstdc++ of a version of GCC's, and the package that has its licence: both say which they are. */
async function library(mirror: Mirror, version: number): Promise<[Binary, Binary]> {
  const base = `gcc-${version}-base`;
  const named = (name: string) => ({
    name,
    version: `${version}.1`,
    filename: `pool/${name}_${version}.1.deb`,
  });
  return [
    await packed(mirror, named(`libstdc++-${version}-pic`), {
      [`usr/lib/gcc/x86_64-linux-gnu/${version}/libstdc++_pic.a`]: `objects of ${version}`,
      [`usr/share/doc/libstdc++-${version}-pic`]: { link: base },
    }),
    await packed(mirror, named(base), { [`usr/share/doc/${base}/copyright`]: `licence of ${version}` }),
  ];
}

async function fetched(mirror: Mirror): Promise<string[]> {
  const { archive, copyright } = await within(mirror.environment("cache"), standardLibrary);
  return [archive, copyright].map((path) => readFileSync(path, "utf8"));
}

describe("libstdc++ that no place has as it is pinned", () => {
  test("comes in another version, the newest that can be had", async () => {
    using mirror = new Mirror();
    const [twelve, thirteen] = [await library(mirror, 12), await library(mirror, 13)];
    offer(mirror, "trixie", [...twelve, ...thirteen], twelve);
    expect(await fetched(mirror)).toEqual(["objects of 12", "licence of 12"]);
    expect(mirror.asked).toContain(`404 ${thirteen[0].filename}`);
  });

  test("comes from another suite", async () => {
    using mirror = new Mirror();
    offer(mirror, "bookworm", await library(mirror, 12));
    expect(await fetched(mirror)).toEqual(["objects of 12", "licence of 12"]);
  });

  test("is named where no suite has any", async () => {
    using mirror = new Mirror();
    offer(mirror, "bookworm", await library(mirror, 12), []);
    const failure = await fetched(mirror).catch((error: Error) => error.message);
    expect(String(failure).split("\n")).toEqual([
      "no suite has a libstdc++-*-pic",
      "  trixie: cannot fetch Debian's package lists: no Release file there",
      expect.stringMatching(/^ {2}bookworm: .*/),
    ]);
    expect(String(failure)).toContain("404  Not Found");
  });
});
