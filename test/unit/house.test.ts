import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { code, files, read, root, sources } from "./sources.ts";

describe("stdout belongs to the events", () => {
  const own = files.filter((file) => file.startsWith("src/"));

  test("Bun's and node's own ways to it are not used", () => {
    const forbidden = /\bconsole\.|\bprocess\.stdout\b|\bBun\.(stdout|write)\b|\bwriteSync\b|"inherit"/;
    for (const file of own) expect([file, forbidden.exec(code(file))?.[0]]).toEqual([file, undefined]);
  });

  test("write(2) is the sink's; what others write to is known", () => {
    const others: Readonly<Record<string, readonly string[]>> = {
      "src/log.ts": ["stderr"],
      "src/trace/child.ts": ["this.#release"], // the pipe that the command waits on before it begins
    };
    const importsWrite = /\bimport\b[^;]*\bwrite\b[^;]*from "[./]*ffi\/libc\.ts"/;
    for (const file of own.filter((name) => name !== "src/sink.ts" && importsWrite.test(code(name)))) {
      const targets = [...code(file).matchAll(/\bwrite\(([^,]*),/g)].map(([, target = ""]) => target);
      expect([file, targets]).toEqual([file, [...(others[file] ?? [])]]);
    }
    expect(code("src/log.ts")).toContain("const stderr = 2;");
  });

  test("consola is the log's", () => {
    const users = files.filter((file) => /\bfrom\s+"consola\b/.test(code(file)));
    expect(users).toEqual(["src/log.ts"]);
  });
});

describe("the house", () => {
  /** written by the build, and the kernel's types */
  const exempt = ["src/layout.ts", "bpf/vmlinux.h"];
  const others = ["bpf", "ffi", "test"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(c|h)$/.test(file))
      .map((file) => join(folder, file)),
  );

  test("no file is longer than 300 lines", () => {
    const found = [...files, ...sources("test"), ...others]
      .filter((file) => !exempt.includes(file))
      .filter((file) => read(file).split("\n").length > 301);
    expect(found).toEqual([]);
  });

  test("no two classes or interfaces share a name", () => {
    const places = Map.groupBy(
      files.flatMap((file) =>
        [...code(file).matchAll(/^(?:export )?(?:abstract )?(?:class|interface) (\w+)/gm)].map(
          ([, name = ""]) => ({
            name,
            file,
          }),
        ),
      ),
      ({ name }) => name,
    );
    const several = [...places].filter(([, found]) => found.length > 1);
    expect(several.map(([name, found]) => `${name}: ${found.map(({ file }) => file).join(", ")}`)).toEqual(
      [],
    );
  });

  test("numbers with a name stand in one place", () => {
    const named: [what: RegExp, place: string][] = [
      [/^(?:export )?const E[A-Z0-9]+ = \d+/m, "ffi/error.ts"],
      [/\b0x1_?0000_?0000\b|\b4_?294_?967_?296\b|\b2 \*\* 32\b/, "ffi/halves.ts"],
    ];
    for (const [what, place] of named) {
      const found = files.filter((file) => file !== place && what.test(code(file)));
      expect([place, found]).toEqual([place, []]);
    }
  });
});
