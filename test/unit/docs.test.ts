import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import type { Flag } from "../../src/command/flag.ts";
import { type FlagName, flags, flagWords } from "../../src/command/flags.ts";
import { kindWords } from "../../src/command/selection.ts";
import { kinds } from "../../src/kinds/index.ts";
import { marked } from "../docs/marked.ts";
import { written } from "../docs/tables.ts";

const root = join(import.meta.dir, "../..");
const read = (page: string) => readFileSync(join(root, page), "utf8");
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** A page without its blocks of code. */
function prose(page: string): string {
  return read(page).replace(/^```[\s\S]*?^```$/gm, "");
}

/** What its headings are called in a link, as GitHub makes it. */
function anchors(page: string): string[] {
  return [...prose(page).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** The links of a page to places here. */
function links(page: string): string[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, to = ""]) => to)
    .filter((to) => !/^https?:/.test(to));
}

/** The files that a page names; in a row of a table those without a folder are in that of the one before. */
function filesNamed(page: string): string[] {
  return prose(page)
    .split("\n")
    .flatMap((line) => {
      let folder = "";
      return [...line.matchAll(/`([\w./*-]+)`/g)].flatMap(([, name = ""]) => {
        if (/^(src|ffi|bpf|test|container|docs|\.ci)\//.test(name)) folder = name.replace(/[^/]*$/, "");
        else if (!line.startsWith("| `") || !/^[\w-]+\.(c|h|ts)$/.test(name)) return [];
        return name.startsWith(folder) ? [name] : [folder + name];
      });
    });
}

/** The widget is a kind that CONTRIBUTING.md invents. */
function isThere(file: string): boolean {
  return (
    file.includes("widget") ||
    new Bun.Glob(file).scanSync({ cwd: root, onlyFiles: false }).next().done === false
  );
}

describe("README.md", () => {
  test("is one page", () => {
    expect(read("README.md").split("\n").length).toBeLessThan(200);
  });

  test("tells how to start and how to test", () => {
    for (const command of ["npm start", "npm test", "bun start"])
      expect(read("README.md")).toContain(command);
  });

  test("every other page is one step away", () => {
    const targets = links("README.md").map((to) => to.replace(/#.*/, ""));
    for (const page of pages.filter((name) => name !== "README.md")) expect(targets).toContain(page);
  });
});

describe("pages", () => {
  for (const page of pages) {
    test(`${page}: its links lead somewhere`, () => {
      for (const link of links(page)) {
        const [file = "", anchor] = link.split("#");
        const target = file === "" ? page : normalize(join(page, "..", file));
        expect([link, existsSync(join(root, target))]).toEqual([link, true]);
        if (anchor !== undefined)
          expect([link, anchors(target)]).toEqual([link, expect.arrayContaining([anchor])]);
      }
    });

    test(`${page}: the files it names are there`, () => {
      for (const name of filesNamed(page)) expect([name, isThere(name)]).toEqual([name, true]);
    });
  }

  for (const [page, name, text] of written) {
    test(`${page}: ${name} are as the code has them; bun test/docs/tables.ts writes them`, () => {
      expect(marked(page, name)).toBe(text);
    });
  }
});

describe("what there is has a place in the pages", () => {
  test("every kind and every word of -t", () => {
    for (const page of ["README.md", "docs/kinds.md"]) {
      for (const word of kindWords.flat())
        expect([page, read(page)]).toEqual([page, expect.stringContaining(`\`${word}\``)]);
    }
    for (const { name } of kinds) expect(read("EVENTS.md")).toMatch(new RegExp(`^### .*\\b${name}\\b`, "m"));
  });

  test("every flag", () => {
    for (const name of Object.keys(flags) as FlagName[]) {
      const { short }: Flag = flags[name];
      expect([flagWords(name), read("docs/flags.md")]).toEqual([
        flagWords(name),
        expect.stringContaining(`--${name}`),
      ]);
      if (short !== undefined) expect(read("docs/flags.md")).toMatch(new RegExp(`[ ]-${short}\\b`));
    }
  });
});
