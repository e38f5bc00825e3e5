import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Pin, pinnedFile } from "../../ffi/bundle/pinned.ts";
import { Mirror, within } from "../harness/mirror.ts";
import { sourceLists } from "../harness/repository.ts";

// of busy machines
setDefaultTimeout(120_000);

const bytes = "what upstream released";
const pin: Pin = {
  source: "libwidget",
  version: "1.0",
  file: "libwidget_1.0.orig.tar.gz",
  sha256: createHash("sha256").update(bytes).digest("hex"),
};
const pool = `pool/main/libw/libwidget/${pin.file}`;
const asked = (mirror: Mirror) =>
  mirror.asked.filter((line) => line.includes("/pool/") || / pool\//.test(line));

async function fetched(mirror: Mirror, sources?: string): Promise<string> {
  return within(mirror.environment("cache", sources), async () =>
    readFileSync(await pinnedFile(pin), "utf8"),
  );
}

describe("pinned files", () => {
  test("come by their path in the pool, without any list, and once", async () => {
    using mirror = new Mirror({ [pool]: bytes });
    expect(await fetched(mirror)).toBe(bytes);
    expect(await fetched(mirror)).toBe(bytes);
    expect(mirror.asked).toEqual([`200 ${pool}`]);
  });

  test("in the cache count only when they are whole", async () => {
    using mirror = new Mirror({ [pool]: bytes });
    const { IPCDUMP_CACHE = "" } = mirror.environment("cache");
    writeFileSync(join(mirror.folder("cache/pinned"), pin.file), bytes.slice(0, 7));
    expect(await fetched(mirror)).toBe(bytes);
    expect(readFileSync(join(IPCDUMP_CACHE, "pinned", pin.file), "utf8")).toBe(bytes);
  });

  test("come from the folder of $IPCDUMP_SOURCES before the network, whatever their name there", async () => {
    using mirror = new Mirror();
    const sources = mirror.folder("sources");
    writeFileSync(join(sources, "another.tar.gz"), "other bytes");
    writeFileSync(join(sources, "widget-1.0.tar.gz"), bytes);
    expect(await fetched(mirror, sources)).toBe(bytes);
    expect(mirror.asked).toEqual([]);
  });

  test("come from a revision of any list, newest first, the next one after a 404", async () => {
    const revision = (version: string, directory: string) => ({
      ...{ name: pin.source, version, directory },
      files: { [pin.file]: bytes, [`libwidget_${version}.dsc`]: "a description" },
    });
    using mirror = new Mirror({
      ...sourceLists("trixie", [revision("1.0-3", "pool/three"), revision("1.0-2", "pool/two")]),
      [`pool/two/${pin.file}`]: bytes,
    });
    expect(await fetched(mirror)).toBe(bytes);
    expect(asked(mirror)).toEqual([`404 ${pool}`, `404 pool/three/${pin.file}`, `200 pool/two/${pin.file}`]);
  });

  test("are not waited for long, where a mirror takes connections and never answers, and only once", async () => {
    using mirror = new Mirror({ [pool]: bytes });
    mirror.silence();
    const { IPCDUMP_CACHE = "" } = mirror.environment("cache");
    for (const why of [/: Connection (failed|timed out)/, /: its mirror does not answer$/]) {
      const failure = await fetched(mirror).catch((error: Error) => error.message);
      const lines = failure.split("\n");
      expect(lines[3]).toMatch(why);
      expect(lines[3]).toContain(`${mirror.uri}/${pool}`);
      const suites = "trixie, trixie-updates, trixie-security, trixie-backports, bookworm";
      expect(lines).toContain(`  the lists of ${suites}: its mirror does not answer`);
      expect(lines.at(-1)).toContain(`put it by hand into ${IPCDUMP_CACHE}/pinned`);
    }
  });

  test("that no place has are named, with each place and where to put them", async () => {
    using mirror = new Mirror({ [pool]: "other bytes", ...sourceLists("trixie", []) });
    const { IPCDUMP_CACHE = "" } = mirror.environment("cache");
    const sources = mirror.folder("sources");
    const failure = await fetched(mirror, sources).catch((error: Error) => error.message);
    const lines = failure.split("\n");
    expect(lines[0]).toBe(`${pin.file} (SHA-256 ${pin.sha256}) is nowhere to be had; tried`);
    expect(lines[1]).toBe(`  ${IPCDUMP_CACHE}/pinned: not there`);
    expect(lines[2]).toBe(`  $IPCDUMP_SOURCES, ${sources}: not there`);
    expect(lines[3]).toMatch(
      /^ {2}http:\/\/127\.0\.0\.1:\d+\/debian\/pool\/main\/libw\/.*: .*Hash Sum mismatch/,
    );
    expect(lines[4]).toBe("  the lists of trixie: no revision has it");
    const others = "trixie-updates, trixie-security, trixie-backports, bookworm";
    expect(lines.slice(5, -1)).toEqual([
      `  the lists of ${others}: cannot fetch Debian's package lists: no Release file there`,
    ]);
    expect(lines.at(-1)).toBe(
      `put it by hand into ${IPCDUMP_CACHE}/pinned or a folder that IPCDUMP_SOURCES names`,
    );
  });
});
