import { describe, expect, test } from "bun:test";
import { join, normalize } from "node:path";
import { code, files, read } from "./sources.ts";

interface Import {
  /** the importing file, `src/sink.ts` */
  from: string;
  /** a file of ours by the same kind of path, or a package */
  to: string;
  /** only types: nothing of it is there at run time */
  types: boolean;
}

function importsOf(file: string): Import[] {
  const statements = /^(?:import|export)\s+(type\s)?([^;"]*?)\bfrom\s+"([^"]+)"/gm;
  const found = [...code(file).matchAll(statements)].map(([, type, names = "", to = ""]) => {
    const list = /\{([^}]*)\}/.exec(names)?.[1];
    const all = list?.split(",").map((name) => name.trim());
    const types = type !== undefined || (all?.filter((name) => name !== "").every(isType) ?? false);
    return { from: file, to: resolve(file, to), types };
  });
  const others = [...code(file).matchAll(/\bimport\(\s*"([^"]+)"\s*\)|^import\s+"([^"]+)"/gm)];
  return [
    ...found,
    ...others.map(([, a, b]) => ({ from: file, to: resolve(file, a ?? b ?? ""), types: false })),
  ];
}

function isType(name: string): boolean {
  return name.startsWith("type ");
}

function resolve(file: string, to: string): string {
  return to.startsWith(".") ? normalize(join(file, "..", to)) : to;
}

const imports = files.flatMap(importsOf);
const between = (list: readonly Import[]) => list.map(({ from, to }) => `${from} → ${to}`);

/**
 * The floors of the house, the ground first: what each folder, or file outside of one, may import beside itself, ffi/
 * and the ground, types included. A name can only stand behind those it may import, so there is no circle of folders.
 */
const ground = [
  "src/identity.ts",
  "src/event.ts",
  "src/place.ts",
  "src/failure.ts",
  "src/layout.ts",
  "src/bytes/",
];
const floors: Readonly<Record<string, readonly string[]>> = {
  "src/layout.ts": [],
  "src/identity.ts": [],
  "src/event.ts": [],
  "src/place.ts": [],
  "src/failure.ts": [],
  "src/bytes/": [],
  "src/proc/": [],
  "src/log.ts": [],
  "src/outfile.ts": [],
  "src/sink.ts": ["src/outfile.ts"],
  "src/name/": ["src/proc/"],
  "src/kinds/": ["src/name/"],
  "src/decode/": ["src/kinds/"],
  "src/match/": [],
  "src/filter/": ["src/proc/", "src/match/"],
  "src/pcapng/": [],
  "src/message/": [],
  "src/format/": ["src/pcapng/", "src/message/"],
  "src/command/": ["src/kinds/", "src/match/", "src/filter/", "src/message/", "src/format/"],
  "src/attach/": ["src/log.ts", "src/proc/", "src/kinds/", "src/filter/"],
  "src/doctor/": ["src/proc/", "src/kinds/", "src/attach/"],
  "src/host/": ["src/log.ts", "src/proc/", "src/name/", "src/attach/"],
  "src/map/": ["src/proc/", "src/name/", "src/message/", "src/format/", "src/command/", "src/host/"],
  "src/account/": ["src/log.ts", "src/proc/", "src/name/", "src/kinds/", "src/filter/", "src/attach/"],
  "src/why/": ["src/host/"],
  "src/top/": ["src/message/", "src/format/", "src/command/"],
  "src/extcap/": ["src/pcapng/", "src/kinds/", "src/command/", "src/attach/"],
  "src/trace/": [
    ...["src/log.ts", "src/sink.ts", "src/proc/", "src/name/", "src/kinds/", "src/decode/"],
    ...[
      "src/filter/",
      "src/match/",
      "src/pcapng/",
      "src/message/",
      "src/format/",
      "src/command/",
      "src/attach/",
      "src/account/",
      "src/map/",
      "src/top/",
    ],
  ],
  "src/subcommand/": ["src/command/", "src/doctor/", "src/map/", "src/why/", "src/extcap/"],
  "src/main.ts": ["src/log.ts", "src/sink.ts", "src/command/", "src/trace/", "src/subcommand/"],
};

function floorOf(file: string): string {
  return (
    Object.keys(floors).find((floor) => (floor.endsWith("/") ? file.startsWith(floor) : file === floor)) ??
    file
  );
}

/** The stages of the pipeline: at run time they know nothing of each other. */
const stages = [
  ...["src/decode/", "src/name/", "src/kinds/", "src/filter/", "src/message/", "src/format/", "src/sink.ts"],
];

describe("imports", () => {
  test("the parser of this test sees them", () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(imports).toContainEqual({ from: "src/sink.ts", to: "ffi/libc.ts", types: false });
    expect(imports).toContainEqual({ from: "src/decode/batch.ts", to: "src/kinds/kind.ts", types: true });
    expect(imports).toContainEqual({ from: "src/main.ts", to: "src/trace/trace.ts", types: false });
    for (const { from, to } of imports.filter(({ to }) => to.startsWith("src/") || to.startsWith("ffi/"))) {
      expect([from, to, files.includes(to) || !to.endsWith(".ts")]).toEqual([from, to, true]);
    }
  });

  test("only ffi/ imports bun:ffi", () => {
    const others = imports.filter(({ from, to }) => to === "bun:ffi" && !from.startsWith("ffi/"));
    expect(between(others)).toEqual([]);
  });

  test("ffi/ imports nothing from src/", () => {
    const others = imports.filter(({ from, to }) => from.startsWith("ffi/") && to.startsWith("src/"));
    expect(between(others)).toEqual([]);
  });

  test("what only the build needs stays out of the executable", () => {
    const others = imports.filter(
      ({ from, to }) => /^ffi\/(bundle|static)\//.test(to) && from.startsWith("src/"),
    );
    expect(between(others)).toEqual([]);
  });

  test("each floor imports from those that it may", () => {
    const names = Object.keys(floors);
    for (const [floor, allowed] of Object.entries(floors)) {
      for (const other of allowed)
        expect([floor, other, names.indexOf(other) < names.indexOf(floor)]).toEqual([floor, other, true]);
    }
    const others = imports.filter(({ from, to }) => {
      if (!from.startsWith("src/") || !to.startsWith("src/")) return false;
      const [a, b] = [floorOf(from), floorOf(to)];
      if (a === b) return false;
      return !floors[a]?.includes(b) && !(ground.includes(b) && names.indexOf(b) < names.indexOf(a));
    });
    expect(between(others)).toEqual([]);
  });

  test("decoding knows nothing of /proc", () => {
    const readers = files.filter(
      (file) => file.startsWith("src/decode/") && /node:fs|\/proc\b/.test(code(file)),
    );
    expect(readers).toEqual([]);
  });

  test("stages don't import each other", () => {
    const others = imports.filter(({ from, to, types }) => {
      const [a, b] = [floorOf(from), floorOf(to)];
      return !types && a !== b && stages.includes(a) && stages.includes(b);
    });
    // a kind asks of the names of processes and services, what it has to know
    expect(between(others.filter(({ from }) => !from.startsWith("src/kinds/")))).toEqual([]);
  });

  test("nothing points backwards: only trace.ts wires stages, loop.ts drives them, main.ts starts it", () => {
    const backwards = imports.filter(({ from, to }) => {
      if (to === "src/trace/trace.ts") return from !== "src/main.ts";
      if (to === "src/decode/batch.ts" || to === "ffi/ring.ts") {
        if (from === "src/trace/loop.ts") return false;
        return from !== "src/trace/trace.ts" && !(from === "src/decode/batch.ts" && to === "ffi/ring.ts");
      }
      return to === "src/main.ts";
    });
    expect(between(backwards)).toEqual([]);
  });

  test("no circles", () => {
    const targets = new Map(files.map((file) => [file, imports.filter(({ from }) => from === file)]));
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, way: readonly string[]) => {
      if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(" → "));
      if (done.has(file)) return;
      done.add(file);
      for (const { to } of targets.get(file) ?? []) visit(to, [...way, file]);
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  test("from main.ts down to the ground it is eight floors at most", () => {
    const below = new Map<string, Set<string>>();
    for (const { from, to } of imports.filter(
      ({ from, to }) => from.startsWith("src/") && to.startsWith("src/"),
    )) {
      const [a, b] = [floorOf(from), floorOf(to)];
      if (a !== b && !ground.includes(b)) below.set(a, (below.get(a) ?? new Set()).add(b));
    }
    const ways = (floor: string): string[][] => {
      const next = [...(below.get(floor) ?? [])];
      return next.length === 0 ? [[floor]] : next.flatMap(ways).map((way) => [floor, ...way]);
    };
    const deepest = ways("src/main.ts").sort((a, b) => b.length - a.length)[0]!;
    expect([deepest, deepest.length <= 8]).toEqual([deepest, true]);
  });

  test("ours with their extension, packages that package.json names", () => {
    const { dependencies, devDependencies } = JSON.parse(read("package.json"));
    const known = [...Object.keys(dependencies), ...Object.keys(devDependencies)];
    const odd = imports.filter(({ to }) => {
      if (/^(src|ffi)\//.test(to)) return !/\.(ts|json|template)$/.test(to);
      if (/^(node|bun):|^bun$/.test(to) || /^package(-lock)?\.json$/.test(to) || to.startsWith("#dist/"))
        return false;
      return !known.some((name) =>
        [name, `node_modules/${name}`].some((place) => to === place || to.startsWith(`${place}/`)),
      );
    });
    expect(between(odd)).toEqual([]);
  });
});
