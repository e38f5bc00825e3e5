import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tryKind } from "../../src/doctor/trial.ts";
import type { KindModule } from "../../src/kinds/kind.ts";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump } from "../harness/ipcdump.ts";
import { inVm } from "../harness/programs.ts";

setDefaultTimeout(4 * PATIENCE);

const root = join(import.meta.dir, "../..");
const inherited = "bpf ffi src test .ci build.ts package.json package-lock.json tsconfig.json".split(" ");
/** what mq's files say of themselves, as the new kind's say it */
const renamed: readonly (readonly [RegExp, string])[] = [
  [/\bmq_(?=load|store|free|entered|returned)/g, "toy_"],
  [/\b(KIND|FAMILY)_MQ\b/g, "$1_TOY"],
  [/name: "mq"/g, 'name: "toy"'],
  [/aliases: \["q"\]/g, "aliases: []"],
];

let house: string;

/** The files that differ from ours, but for what the build writes. */
function changed(): string[] {
  const { stdout } = Bun.spawnSync(
    [
      "diff",
      "-rq",
      ...["dist", "node_modules", "layout.ts", "index.ts"].flatMap((name) => ["-x", name]),
      root,
      house,
    ],
    { env: { ...process.env, LC_ALL: "C" } },
  );
  return stdout
    .toString()
    .split("\n")
    .flatMap((line) => {
      const differs = /^Files \S+ and (\S+) differ$/.exec(line)?.[1];
      const [, folder, name] = /^Only in (\S+): (\S+)$/.exec(line) ?? [];
      const added = folder?.startsWith(house) ? join(folder, name ?? "") : undefined;
      return [differs ?? added ?? []].flat();
    })
    .map((path) => path.slice(house.length + 1));
}

function copied(from: string, to: string): void {
  const text = renamed.reduce(
    (all, [word, other]) => all.replace(word, other),
    readFileSync(join(root, from), "utf8"),
  );
  writeFileSync(join(house, to), text);
}

// What a machine that only runs ipcdump lacks to build it.
if (!inVm) {
  beforeAll(() => {
    house = mkdtempSync(join(tmpdir(), "ipcdump-toy-"));
    for (const part of inherited) cpSync(join(root, part), join(house, part), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(house, "node_modules"));
  });

  afterAll(() => rmSync(house, { recursive: true, force: true }));

  test("a new kind is three files and one line", async () => {
    copied("bpf/mq.bpf.c", "bpf/toy.bpf.c");
    copied("src/kinds/mq.ts", "src/kinds/toy.ts");
    copied("test/live/mq.test.ts", "test/live/toy.test.ts");
    const list = join(house, "bpf/families.h");
    const before = readFileSync(list, "utf8");
    const after = before.replace(/^#define FAMILIES\(X\).*\n/m, "$&\tX(toy, TOY, CALLS, KIND(TOY)) \\\n");
    writeFileSync(list, after);
    expect(after.split("\n").length).toBe(before.split("\n").length + 1);
    expect(changed().sort()).toEqual([
      "bpf/families.h",
      "bpf/toy.bpf.c",
      "src/kinds/toy.ts",
      "test/live/toy.test.ts",
    ]);

    const build = Bun.spawn([process.execPath, "build.ts"], { cwd: house, stdout: "pipe", stderr: "pipe" });
    const words = await new Response(build.stderr).text();
    expect([await build.exited, words]).toEqual([0, expect.stringContaining("building dist/ipcdump")]);
    const types = Bun.spawn([join(root, "node_modules/.bin/tsc"), "--noEmit", "-p", house], {
      stdout: "pipe",
    });
    expect(await new Response(types.stdout).text()).toBe("");

    const flags = ["-t", "toy", "-f", "json", "--backend", BACKEND];
    using ipcdump = new Ipcdump(flags, { command: [join(house, "dist/ipcdump")] });
    await ipcdump.untilTracing();
    const { kinds } = (await import(join(house, "src/kinds/index.ts"))) as { kinds: readonly KindModule[] };
    const toy = kinds.find(({ name }) => (name as string) === "toy")!;
    const { source, destination } = await tryKind(toy, readFileSync(join(house, "dist/child.elf")));
    const event = await ipcdump.until("an event of the new kind", () =>
      ipcdump.stdout.map((line) => JSON.parse(line)).find(({ src_pid }) => src_pid === source),
    );
    const { type, src_comm, dst_pid, dst_comm, meta } = event;
    // what is executed by a descriptor is called by its number
    const comm = expect.stringMatching(/^\d+$/);
    expect({ type, src_comm, dst_pid, dst_comm, meta }).toEqual({
      type: "toy",
      src_comm: comm,
      dst_pid: destination,
      dst_comm: comm,
      meta: { mq_name: "/ipcdump-doctor", priority: 0, count: 14 },
    });
  });
}
