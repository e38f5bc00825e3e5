import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../ffi/bundle/command.ts";
import { Mirror, within } from "../harness/mirror.ts";
import { type Binary, offer, packed } from "../harness/repository.ts";
import { kernel } from "../vm/kernels.ts";

// of busy machines
setDefaultTimeout(120_000);

const release = (number: number) => `6.1.0-${number}-cloud-amd64`;

/** A package with nothing in it but a kernel image, which says its number. */
async function image(mirror: Mirror, number: number): Promise<Binary> {
  const name = `linux-image-${release(number)}`;
  const filename = `pool/main/l/linux/${name}_6.1.${number}_amd64.deb`;
  const files = { [`boot/vmlinuz-${release(number)}`]: `kernel ${number}` };
  return packed(mirror, { name, version: `6.1.${number}`, filename }, files);
}

async function fetched(mirror: Mirror): Promise<string> {
  const { release, image } = await within(mirror.environment("cache"), () => kernel("6.1"));
  expect(readdirSync(join(image, "..")).filter((name) => !name.startsWith("."))).toEqual([
    `vmlinuz-${release}`,
  ]);
  return readFileSync(image, "utf8");
}

/** Makes what is in the cache look a week older. */
function age(mirror: Mirror): void {
  const folder = mirror.folder("cache/kernels/6.1");
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), 0, 0);
}

describe("kernels", () => {
  test("are the newest that can be had, of whatever version and suite", async () => {
    using mirror = new Mirror();
    const [one, two] = [await image(mirror, 1), await image(mirror, 2)];
    offer(mirror, "bookworm", [one, two], [one]);
    expect(await fetched(mirror)).toBe("kernel 1");
  });

  test("that have left the pool are replaced by the suite's present one, whatever the lists' age", async () => {
    using mirror = new Mirror();
    const [one, two] = [await image(mirror, 1), await image(mirror, 2)];
    offer(mirror, "bookworm", [one]);
    expect(await fetched(mirror)).toBe("kernel 1");
    mirror.set(one.filename, undefined);
    offer(mirror, "bookworm", [two]);
    await command(["rm", "-r", mirror.folder("cache/kernels/6.1")]);
    expect(await fetched(mirror)).toBe("kernel 2");
    expect(mirror.asked).toContain(`404 ${one.filename}`);
  });

  test("of before are kept while there is no newer one, and without a network", async () => {
    using mirror = new Mirror();
    offer(mirror, "bookworm", [await image(mirror, 1)]);
    expect(await fetched(mirror)).toBe("kernel 1");
    age(mirror);
    expect(await fetched(mirror)).toBe("kernel 1");
    age(mirror);
    offer(mirror, "bookworm", [await image(mirror, 2)], []);
    expect(await fetched(mirror)).toBe("kernel 1");
    age(mirror);
    offer(mirror, "bookworm", [await image(mirror, 2)]);
    await command(["rm", "-r", mirror.folder("cache/apt")]);
    expect(await fetched(mirror)).toBe("kernel 2");
  });

  test("that nobody has are named, each with its reason", async () => {
    using mirror = new Mirror();
    offer(mirror, "bookworm", [await image(mirror, 1)], []);
    const failure = await fetched(mirror).catch((error: Error) => error.message);
    expect(failure).toMatch(
      /^cannot get Debian's linux-image\S+: linux-image-6\.1\.0-1-cloud-amd64 6\.1\.1 of bookworm: .*404 {2}Not Found/,
    );
  });
});
