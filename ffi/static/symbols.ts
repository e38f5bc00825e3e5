/** The symbols that Bun takes from its libraries, and those of the runtime. Where they differ a build must end. */
import { command } from "../bundle/command.ts";

const libraries = ["libstdc++.so.6", "libc.musl-x86_64.so.1"];
const ours = ["libbpf_version_string", "bpf_object__open_mem", "bpf_linker__new"];

interface Dynamic {
  /** the libraries it names */
  needed: string[];
  /** symbols it must be given */
  imports: Set<string>;
  exports: Set<string>;
}

async function dynamicOf(file: string): Promise<Dynamic> {
  const listed = await command(["readelf", "-W", "-d", "-r", "--dyn-syms", file], { from: "binutils" });
  const imports = new Set<string>();
  const exports = new Set<string>();
  for (const [, bind = "", section = "", name = ""] of listed.matchAll(
    /\b(GLOBAL|WEAK) +DEFAULT +(\w+) ([^\s@]+)/g,
  )) {
    if (section !== "UND") exports.add(name);
    else if (bind === "GLOBAL") imports.add(name);
  }
  // variables that are copied into the program: in its list they look like its own
  for (const [, name = ""] of listed.matchAll(/ R_X86_64_COPY +\w+ ([^\s@]+)/g)) imports.add(name);
  const needed = [...listed.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name = ""]) => name);
  return { needed, imports, exports };
}

/** The symbols that a Bun has to be given. */
export async function importsOf(bun: string): Promise<string[]> {
  return [...(await dynamicOf(bun)).imports].sort();
}

/** Throws naming each symbol and each library that Bun wants and the runtime has not. */
export async function checkRuntime(runtime: string, bun: string): Promise<void> {
  const [given, wanted] = await Promise.all([dynamicOf(runtime), dynamicOf(bun)]);
  const faults = [
    ...wanted.needed.filter((name) => !libraries.includes(name)).map((name) => `Bun needs ${name}`),
    ...[...wanted.imports, ...ours]
      .filter((name) => !given.exports.has(name))
      .map((name) => `${name} is nowhere: give it to stdcxx.c`),
    ...given.needed.map((name) => `the runtime itself needs ${name}`),
    // musl does not run constructors of its own
    ...((await command(["readelf", "-W", "-S", runtime])).includes("INIT_ARRAY")
      ? ["it has constructors"]
      : []),
  ];
  if (faults.length > 0)
    throw new Error(`the static runtime does not fit this Bun:\n  ${faults.join("\n  ")}`);
}
