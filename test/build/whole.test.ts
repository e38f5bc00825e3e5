import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pinnedFile } from "../../ffi/bundle/pinned.ts";
import pins from "../../ffi/bundle/pins.json" with { type: "json" };
import { Checkout } from "../harness/checkout.ts";
import { FULL } from "../harness/full.ts";
import { Mirror } from "../harness/mirror.ts";

// whole builds, one after another
setDefaultTimeout(600_000);

const tarballs = [pins.libbpf, pins.libelf, pins.zlib];
const pool: Record<string, Uint8Array<ArrayBuffer>> = {};
const kept: string[] = [];

/** Repeatable numbers from 0 to 1, by Marsaglia's xorshift. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield (state >>> 0) / 2 ** 32;
  }
}

/** Kills a process, or all of a group, unless nobody is there any more. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

beforeAll(async () => {
  for (const pin of tarballs) {
    const path = await pinnedFile(pin);
    kept.push(path);
    const initial = pin.source.startsWith("lib") ? pin.source.slice(0, 4) : pin.source.slice(0, 1);
    pool[`pool/main/${initial}/${pin.source}/${pin.file}`] = readFileSync(path);
  }
});

describe("a build", () => {
  test("needs the tarballs of a mirror and nothing else of it, and does nothing twice", async () => {
    using mirror = new Mirror(pool);
    const checkout = new Checkout(mirror.folder("checkout"), mirror.environment("cache"));
    const { said, status } = await checkout.build();
    expect([said, status]).toEqual([expect.stringContaining("building dist/ipcdump\n"), 0]);
    expect(mirror.asked.toSorted()).toEqual(
      Object.keys(pool)
        .map((path) => `200 ${path}`)
        .toSorted(),
    );
    expect(checkout.made()).toMatchObject({ exitCode: 0, version: expect.stringContaining("libbpf 1.5.0") });
    expect(await checkout.build()).toEqual({ said: "", status: 0 });
  });

  test("needs no mirror where $IPCDUMP_SOURCES has the tarballs, and says what it lacks where it has not", async () => {
    using mirror = new Mirror();
    const sources = mirror.folder("sources");
    const checkout = new Checkout(mirror.folder("checkout"), mirror.environment("cache", sources));
    const { said, status } = await checkout.build();
    expect(status).toBe(1);
    for (const { file, sha256 } of tarballs)
      expect(said).toContain(`${file} (SHA-256 ${sha256}) is nowhere to be had; tried\n`);
    for (const path of kept) copyFileSync(path, join(sources, `other-${path.split("/").at(-1)}`));
    expect(await checkout.build()).toMatchObject({ status: 0 });
    expect(checkout.made()).toMatchObject({ exitCode: 0 });
  });

  test("killed at random moments leaves nothing that counts", async () => {
    using mirror = new Mirror(pool);
    const checkout = new Checkout(mirror.folder("checkout"), mirror.environment("cache"));
    const began = performance.now();
    expect(await checkout.build()).toMatchObject({ status: 0 });
    const whole = performance.now() - began;
    const made = checkout.made();
    checkout.clean();
    const random = numbers(20_251);
    for (let kills = 0; kills < (FULL ? 20 : 6); ) {
      const child = checkout.start();
      // half of them with all that they started; the compilers of the others go on for a while
      const pid = random.next().value < 0.5 ? -child.pid : child.pid;
      const isDue = await Promise.race([
        Bun.sleep(random.next().value * whole).then(() => true),
        child.exited.then(() => false),
      ]);
      if (isDue) kill(pid);
      const status = await child.exited;
      if (isDue && status === 137) {
        kills++;
      } else {
        // it came to its end before
        expect(status).toBe(0);
        expect(checkout.made()).toEqual(made);
        checkout.clean();
      }
    }
    expect(await checkout.build()).toMatchObject({ status: 0 });
    expect(checkout.made()).toEqual(made);
    expect(checkout.leftovers()).toEqual([]);
  });

  test("at the same time as others, in one checkout and with one cache, ends as each alone", async () => {
    using mirror = new Mirror(pool);
    const environment = mirror.environment("cache");
    const one = new Checkout(mirror.folder("one"), environment);
    const two = new Checkout(mirror.folder("two"), environment);
    const all = await Promise.all([one.build(), one.build(), two.build()]);
    expect(all.map(({ status }) => status)).toEqual([0, 0, 0]);
    const built = all.map(({ said }) => said.includes("building dist/ipcdump\n"));
    expect([built.slice(0, 2).filter(Boolean).length, built[2]]).toEqual([1, true]);
    expect(all.filter(({ said }) => said.includes("building libbpf")).length).toBe(1);
    for (const checkout of [one, two]) {
      expect(checkout.made()).toMatchObject({ exitCode: 0 });
      expect(checkout.leftovers()).toEqual([]);
    }
  });
});
