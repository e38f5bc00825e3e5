import { command } from "./command.ts";

/** The oldest glibc the bundled library and the executable promise to run on. */
const oldestGlibc = "2.28";

const exported = [
  "libbpf_version_string",
  "bpf_object__open_mem",
  "bpf_linker__new",
  "btf__parse",
  "ring_buffer__new",
];

/**
 * Checks a built library: it needs libc and nothing else, imports no glibc symbol newer than 2.28, exports libbpf
 * and nothing of libelf and zlib. Throws naming each offender.
 */
export async function checkSymbols(library: string): Promise<void> {
  const dynamic = await command(["readelf", "-W", "-d", "--dyn-syms", library], { from: "binutils" });
  const faults: string[] = [];
  for (const [, name = ""] of dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)) {
    if (name !== "libc.so.6") faults.push(`needs ${name}`);
  }
  for (const [, symbol, version = ""] of dynamic.matchAll(/\bUND (\S+?)@+GLIBC_([\d.]+)/g)) {
    if (newer(version, oldestGlibc))
      faults.push(`imports ${symbol} of glibc ${version}: give it a shim in shims.c`);
  }
  const names = new Set<string>();
  for (const [, name = ""] of dynamic.matchAll(/\b(?:GLOBAL|WEAK) +DEFAULT +\d+ ([^\s@]+)/g)) names.add(name);
  for (const name of exported) if (!names.has(name)) faults.push(`does not export ${name}`);
  for (const name of names)
    if (/^(e?gelf_|elf_|elf32_|elf64_|inflate|deflate|gz)/.test(name)) faults.push(`exports ${name}`);
  if (faults.length > 0) throw new Error(`the bundled libbpf.so ${faults.join("\n  it ")}`);
}

function newer(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [limitMajor = 0, limitMinor = 0] = than.split(".").map(Number);
  return major > limitMajor || (major === limitMajor && minor > limitMinor);
}
