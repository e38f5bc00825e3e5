import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { backends } from "../../ffi/program.ts";
import { kinds } from "../../src/kinds/index.ts";
import * as layouts from "../../src/layout.ts";

const root = join(import.meta.dir, "../..");
const read = (...path: string[]) => readFileSync(join(root, ...path), "utf8");

/** C without its comments and with its lines joined that end in a backslash. */
function source(file: string): string {
  return read("bpf", file)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\\\n/g, " ");
}

const families = readdirSync(join(root, "bpf"))
  .filter((file) => file.endsWith(".bpf.c"))
  .map((file) => file.slice(0, -".bpf.c".length));

interface Program {
  /** `?fentry/pipe_read` */
  section: string;
  hook: string;
  backend: string;
}

/** those whose programs are for the kinds of all others */
const common = [
  "calls",
  "copies",
  "sends",
  "uring",
  "holders",
  "descriptors",
  "functions",
  "functions_unix",
  "functions_inet",
  "functions_tty",
];

/** The programs of a C file: SEC("…") before `int NAME(…)`, macros for several back ends unfolded. */
function programsOf(family: string): Program[] {
  const text = source(`${family}.bpf.c`);
  const found = [
    ...text.matchAll(/SEC\(((?:"[^"]*"|\s|#\w+)+)\)\s+int\s+(?:[\w#]+\(\s*)?(\w+?)__(##)?(\w+)/g),
  ];
  return [
    ...twins(text),
    ...atFunctions(text),
    ...found.flatMap(([, section = "", hook = "", pasted, backend = ""]) => {
      const values = pasted === undefined ? [backend] : argumentsOf(text, hook);
      return values.map((value) => ({
        section: section.replace(/#\w+/g, value).replace(/["\s]/g, ""),
        hook,
        backend: value,
      }));
    }),
  ];
}

/** Those that a macro of hook.h, request.h or completion.h makes, by the raw tracepoint of each pair. */
function twins(text: string): Program[] {
  const macros = source("hook.h") + source("request.h") + source("completion.h");
  const sections = new Map(
    [...macros.matchAll(/#define (\w+)\(hook, body\)\s+SEC\("([^"]+)"\)/g)].map(
      ([, macro = "", section = ""]) => [macro, section],
    ),
  );
  return [...text.matchAll(/^(ON_\w+)\((\w+?)__(\w+), \w+\)$/gm)].map(
    ([, macro = "", hook = "", backend = ""]) => ({
      section: sections.get(macro) ?? "",
      hook,
      backend,
    }),
  );
}

/** Those that a macro of function_hook.h makes. */
function atFunctions(text: string): Program[] {
  const macros = [...source("function_hook.h").matchAll(/#define (ON_\w+)\(hook, function[^\n]*/g)];
  return macros.flatMap(([body, macro]) => {
    const made = [...body.matchAll(/SEC\("(\?[\w.]+\/)" #function\)\s+int (?:\w+\()?hook##__([a-z]+)/g)];
    const uses = [...text.matchAll(new RegExp(`^${macro}\\((\\w+),\\s+(\\w+),`, "gm"))];
    return uses.flatMap(([, hook = "", target]) =>
      made.map(([, type, backend = ""]) => ({ section: `${type}${target}`, hook, backend })),
    );
  });
}

/** What the macro that a hook is defined in is called with. */
function argumentsOf(text: string, hook: string): string[] {
  const macros = [...text.matchAll(/#define (\w+)\(\w+\)([^\n]*)/g)];
  const name = macros.find(([, , body = ""]) => body.includes(`${hook}__##`))?.[1];
  if (name === undefined) throw new Error(`no macro defines ${hook}`);
  return [...text.matchAll(new RegExp(`^${name}\\((\\w+)\\)`, "gm"))].map(([, value = ""]) => value);
}

function enumOf(name: string): Map<string, number> {
  const body = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(source("event.h"))?.[1] ?? "";
  return new Map([...body.matchAll(/(\w+) = (\d+)/g)].map(([, word = "", value]) => [word, Number(value)]));
}

/** The families of bpf/families.h and the kinds of each. */
const listed = new Map(
  [...source("families.h").matchAll(/\bX\((\w+), \w+, \w+, ((?:KIND\(\w+\)\s*)+)\)/g)].map(
    ([, name = "", members = ""]) => [
      name,
      [...members.matchAll(/KIND\((\w+)\)/g)].map(([, member = ""]) =>
        member.toLowerCase().replaceAll("_", "-"),
      ),
    ],
  ),
);

const constant = (prefix: string, name: string) => `${prefix}_${name.replaceAll("-", "_").toUpperCase()}`;
/** the family of a kind, as its BPF file is called: `unix` of `unix-dgram` */
const familyOf = (name: string) => [...listed].find(([, members]) => members.includes(name))?.[0] ?? name;
const moduleOf = (family: string) => family.replaceAll("_", "-");

const programs = new Map(families.map((family) => [family, programsOf(family)]));

describe("a kind is three files that agree", () => {
  test("this test finds programs", () => {
    expect(programs.get("signal")).toEqual([
      { section: "?tp_btf/signal_generate", hook: "signal_generate", backend: "tracepoint" },
    ]);
    expect(programs.get("pipe")).toContainEqual({
      section: "?kprobe/mutex_unlock",
      hook: "pipe_unlock",
      backend: "kprobe",
    });
  });

  for (const family of families) {
    test(`bpf/${family}.bpf.c`, () => {
      const members = kinds.filter(({ name }) => familyOf(name) === family);
      // a family without events of its own (names, system calls) needs neither
      if (!listed.has(family)) return expect(members).toEqual([]);
      expect<unknown>(members.map(({ name }) => name)).toEqual(listed.get(family));
      expect(existsSync(join(root, "src/kinds", `${moduleOf(family)}.ts`))).toBe(true);
      expect(existsSync(join(root, "test/live", `${moduleOf(family)}.test.ts`))).toBe(true);
    });
  }

  for (const kind of kinds) {
    const family = familyOf(kind.name);

    test(`${kind.name}: only hooks of its own may be lacking`, () => {
      expect(Object.keys(kind.hooks)).toEqual(expect.arrayContaining(Object.keys(kind.optional ?? {})));
    });

    test(`${kind.name}: its files`, () => {
      expect(families).toContain(family);
      expect(read("src/kinds", `${moduleOf(family)}.ts`).includes(`"${kind.name}"`)).toBe(true);
      expect(read("src/kinds/index.ts")).toContain(`"./${moduleOf(family)}.ts"`);
      expect(existsSync(join(root, "test/live", `${moduleOf(family)}.test.ts`))).toBe(true);
    });

    test(`${kind.name}: its ids are those of the list`, () => {
      expect<unknown>(kind.id).toBe(Reflect.get(layouts.Kind, constant("KIND", kind.name)));
      const text = source("event.h") + source(`${family}.bpf.c`);
      // queues of all kinds have one
      const own = `struct ${family}_record {`;
      const struct = text.includes(own) ? `${family}_record` : "queue_record";
      const declared = `struct ${struct} {\n\tstruct event_record event;`;
      expect([source("event.h"), source(`${family}.bpf.c`)].some((text) => text.includes(declared))).toBe(
        true,
      );
      const reader = struct.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
      expect<unknown>(Reflect.get(layouts, reader)).toHaveProperty("size", kind.size);
    });

    test(`${kind.name}: its hooks are its programs`, () => {
      const files = [family, ...common].map((file) => programs.get(file)!);
      const own = files.flat().filter(({ hook }) => kind.hooks[hook] !== undefined);
      expect([...new Set(own.map(({ hook }) => hook))].sort()).toEqual(Object.keys(kind.hooks).sort());
      for (const { hook, backend, section } of own) {
        expect([family, ...common].some((name) => hook.startsWith(`${name}_`))).toBe(true);
        expect<readonly string[]>([...backends, "any"]).toContain(backend);
        expect(section.startsWith("?")).toBe(true); // or load takes it in unasked
        const [type = "", target = ""] = section.slice(1).split("/");
        if (backend === "tracepoint" || backend === "any")
          expect(type).not.toMatch(/^(fentry|fexit|kprobe|kretprobe|kprobe\.session)$/);
        else
          expect(type).toBeOneOf(
            backend === "fentry" ? ["fentry", "fexit"] : ["kprobe", "kretprobe", "kprobe.session"],
          );
        expect(kind.hooks[hook]).toContain(target);
      }
    });

    test(`${kind.name}: what it is blind to is said of back ends it has`, () => {
      const files = [family, ...common].map((file) => programs.get(file)!);
      const own = files.flat().filter(({ hook }) => kind.hooks[hook] !== undefined);
      const offered = own.flatMap(({ hook, backend }) =>
        backend === "any" ? [...(kind.within?.[hook] ?? backends)].map(String) : [backend],
      );
      for (const backend of Object.keys(kind.blind)) expect(offered).toContain(backend);
    });
  }

  test("every program belongs to a kind, follows processes for all of them, or looks at what is open", () => {
    const hooks = new Set([
      "process_fork",
      "process_free",
      "process_exec",
      "process_marked",
      "process_exit",
      "descriptors_open",
      ...kinds.flatMap((kind) => Object.keys(kind.hooks)),
    ]);
    const orphans = [...programs.values()].flat().filter(({ hook }) => !hooks.has(hook));
    expect(orphans.map(({ hook, backend }) => `${hook}__${backend}`)).toEqual([]);
  });

  test("no two kinds share a name, a word of -t or an id", () => {
    const words = kinds.flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(new Set(words).size).toBe(words.length);
    expect(new Set(kinds.map(({ id }) => id)).size).toBe(kinds.length);
  });
});

describe("src/layout.ts", () => {
  for (const name of ["record_type", "lost_reason"]) {
    test(`enum ${name} is event.h's`, () => {
      const generated = name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
      const values: unknown = Reflect.get(layouts, generated);
      expect(values).toEqual(Object.fromEntries(enumOf(name)));
    });
  }

  test("the record of every kind begins as an event_record", () => {
    const words = Uint32Array.from({ length: 64 }, (_, i) => i);
    for (const struct of [layouts.EventRecord, layouts.PipeRecord, layouts.SignalRecord]) {
      const { type, thread, timeLow, timeHigh, kind } = new struct(words);
      expect([type, thread, timeLow, timeHigh, kind]).toEqual([0, 1, 2, 3, 8]);
    }
  });
});
