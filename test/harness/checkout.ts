/** A copy of what is built, to build elsewhere and with a cache of its own. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const project = join(import.meta.dir, "../..");
const parts = ["build.ts", "package.json", "package-lock.json", "tsconfig.json", "bpf", "ffi", "src"];

/** What a build makes that is the same each time. */
const outputs = ["libbpf.so", "ipcdump.bpf.o", "child.elf", "drop.bin"];

export class Checkout {
  readonly path: string;
  readonly #environment: Record<string, string>;

  /** In an empty folder; `environment` is what builds there have on top of ours. */
  constructor(path: string, environment: Record<string, string>) {
    this.path = path;
    this.#environment = environment;
    for (const part of parts) cpSync(join(project, part), join(path, part), { recursive: true });
    symlinkSync(join(project, "node_modules"), join(path, "node_modules"));
  }

  /** Starts a build, the first of a process group of its own. */
  start() {
    return Bun.spawn([process.execPath, join(this.path, "build.ts")], {
      ...{ cwd: this.path, env: { ...process.env, ...this.#environment }, detached: true },
      ...{ stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    });
  }

  /** Builds; what was said and the exit status. */
  async build(): Promise<{ said: string; status: number }> {
    const child = this.start();
    const [said, status] = await Promise.all([child.stderr.text(), child.exited]);
    return { said, status };
  }

  /** What was made, but for the executable, of which no two builds are the same; that says what it is. */
  made(): unknown {
    const executable = join(this.path, "dist/ipcdump");
    const { stdout, exitCode } = Bun.spawnSync([executable, "--version", "-v"]);
    const files = outputs.map((name) => Bun.hash(readFileSync(join(this.path, "dist", name))));
    return { version: stdout.toString(), exitCode, files };
  }

  /** The rooms that killed builds left, in dist and in the cache. */
  leftovers(): string[] {
    const folders = [join(this.path, "dist"), this.#environment.IPCDUMP_CACHE ?? ""];
    return folders
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }))
      .filter((name) => /(^|\/)partial\.[^/]*$/.test(name));
  }

  /** Takes away all that builds made here. */
  clean(): void {
    const folders = [join(this.path, "dist"), ...this.#cached()];
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }

  #cached(): string[] {
    const cache = this.#environment.IPCDUMP_CACHE ?? "";
    return readdirSync(cache).map((name) => join(cache, name));
  }
}
