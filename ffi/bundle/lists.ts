import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.ts";
import { reasonOf } from "./fetch.ts";

const dayMs = 24 * 3600_000;

/** The package lists of a private apt. */
export class Lists {
  readonly #folder: string;
  readonly #config: string;
  readonly #suites: readonly string[];
  #isRenewed = false;

  constructor(folder: string, config: string, suites: readonly string[]) {
    this.#folder = folder;
    this.#config = config;
    this.#suites = suites;
  }

  /** When they were fetched, as text to compare; empty when they never were. */
  get age(): string {
    return existsSync(this.#stamp) ? String(statSync(this.#stamp).mtimeMs) : "";
  }

  /** Fetches them when they are older than a day. Without a network those at hand will do. */
  async freshen(): Promise<void> {
    const { age } = this;
    if (age !== "" && Date.now() - Number(age) < dayMs) return;
    try {
      await this.#fetch(age);
    } catch (error) {
      const why = reasonOf(error);
      if (!this.#areThere()) {
        throw new Error(`cannot fetch Debian's package lists: ${why}`);
      }
      process.stderr.write(`cannot refresh Debian's package lists; going on with those at hand: ${why}\n`);
    }
  }

  /** Fetches them whatever their age, once; returns whether there is anything new to look at. */
  async renew(): Promise<boolean> {
    if (this.#isRenewed) return false;
    const { age } = this;
    try {
      await this.#fetch(age);
    } catch {
      return false; // what sent for them has failed before, and is said
    }
    return this.age !== age;
  }

  /** Fetches them unless they are of another time than `age` by now; one process does, others wait for it. */
  async #fetch(age: string): Promise<void> {
    this.#isRenewed = true;
    process.stderr.write(`fetching Debian's package lists: ${this.#suites.join(", ")}\n`);
    try {
      await this.#update(age);
    } catch (error) {
      const said = String(error);
      if (/is expired|is not valid anymore/.test(said)) {
        // A suite past its support is signed once more and then left to expire. Its signature still counts.
        process.stderr.write("the lists have expired; taking them as they are\n");
        await this.#update(age, "-o", "Acquire::Check-Valid-Until=false");
      } else if (/ 404 /.test(said) && this.#areThere()) {
        // What the mirror has of the suites is here, and asking again soon would bring no more.
        process.stderr.write(`going on without some of Debian's package lists: ${reasonOf(error)}\n`);
        await command(["touch", this.#stamp]);
      } else {
        throw error;
      }
    }
  }

  /** The lock is inherited, by what a killed build left running too. */
  async #update(age: string, ...more: string[]): Promise<void> {
    const update = ["apt-get", "-c", this.#config, ...more, "-qq", "update"];
    const seen = age === "" ? "" : (await command(["stat", "-c", "%y", this.#stamp])).trim();
    const script =
      'test "$(stat -c %y "$1" 2>/dev/null)" != "$2" || { s=$1; shift 2; "$@" && touch "$s.new" && mv "$s.new" "$s"; }';
    await command([
      "flock",
      join(this.#folder, "lock"),
      "sh",
      "-c",
      script,
      "sh",
      this.#stamp,
      seen,
      ...update,
    ]);
  }

  #areThere(): boolean {
    return readdirSync(join(this.#folder, "state/lists")).some((name) =>
      /_(Packages|Sources)(\.|$)/.test(name),
    );
  }

  get #stamp(): string {
    return join(this.#folder, "updated");
  }
}
