/** A Debian mirror on this machine, for builds to fetch from, and what makes them take it for the machine's own. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Answer = string | Uint8Array<ArrayBuffer>;

export class Mirror implements Disposable {
  readonly #server: Bun.Server<undefined>;
  readonly #folder = mkdtempSync(join(tmpdir(), "ipcdump-mirror-"));
  readonly #files: Map<string, Answer>;
  #isSilent = false;
  /** The paths that were asked for, and how they were answered: `404 pool/main/z/zlib/…`. */
  readonly asked: string[] = [];

  /**
   * Serves `files`, by path below the archive. Whatever else is asked for is not found, or, with `behind`, what another
   * mirror has of the paths that are not `missing`.
   */
  constructor(files: Record<string, Answer> = {}, behind?: { mirror: string; missing: RegExp }) {
    this.#files = new Map(Object.entries(files));
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: ({ url }) => {
        if (this.#isSilent) return new Promise<Response>(() => {});
        const path = decodeURIComponent(new URL(url).pathname.replace(/^\/debian\//, ""));
        const answer = this.#files.get(path);
        if (answer === undefined && behind !== undefined && !behind.missing.test(path)) {
          return fetch(`${behind.mirror}/${path}`, { decompress: false });
        }
        this.asked.push(`${answer === undefined ? 404 : 200} ${path}`);
        return answer === undefined ? new Response("", { status: 404 }) : new Response(answer);
      },
    });
    for (const name of ["empty", "lists"]) mkdirSync(join(this.#folder, name));
    writeFileSync(join(this.#folder, "sources.list"), `deb ${this.uri} bookworm main\n`);
    const settings = [
      `Dir::Etc::sourcelist "${this.#folder}/sources.list";`,
      `Dir::Etc::sourceparts "${this.#folder}/empty";`,
      // nobody but Debian can sign lists as Debian does
      'Acquire::AllowInsecureRepositories "true";',
      'Acquire::Retries "0";',
      'Acquire::http::Proxy "DIRECT";',
    ];
    writeFileSync(this.#settings, settings.join("\n"));
  }

  get uri(): string {
    return `http://127.0.0.1:${this.#server.port}/debian`;
  }

  get #settings(): string {
    return join(this.#folder, "apt.conf");
  }

  /** From now on it takes connections and answers none; who asks waits for a second or two. */
  silence(): void {
    this.#isSilent = true;
    appendFileSync(this.#settings, '\nAcquire::http::Timeout "1";');
  }

  /** Puts a file on the mirror, or takes it away. */
  set(path: string, answer: Answer | undefined): void {
    if (answer === undefined) this.#files.delete(path);
    else this.#files.set(path, answer);
  }

  /** A folder that is gone with the mirror. */
  folder(name: string): string {
    const path = join(this.#folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** The variables of a process for which this is the machine's mirror, with a cache of its own. */
  environment(cache: string, sources?: string): Record<string, string> {
    const own = { APT_CONFIG: this.#settings, IPCDUMP_CACHE: this.folder(cache) };
    return sources === undefined ? own : { ...own, IPCDUMP_SOURCES: sources };
  }

  [Symbol.dispose](): void {
    this.#server.stop(true);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Does something with these variables set; the others that a build looks at are not. */
export async function within<Result>(
  environment: Record<string, string>,
  act: () => Promise<Result>,
): Promise<Result> {
  const names = ["APT_CONFIG", "IPCDUMP_CACHE", "IPCDUMP_SOURCES"];
  const before = names.map((name) => [name, process.env[name]] as const);
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  for (const name of names) set(name, environment[name]);
  try {
    return await act();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}
