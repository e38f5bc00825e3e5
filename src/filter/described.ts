/** Processes by who they are: --exe, --args, --user, --container, --unit and --cgroup. */
import type { Identity } from "../identity.ts";
import { Glob } from "./glob.ts";

/** What there may be said of a process; texts of one list are alternatives, and all lists that are not empty must match. */
export interface Description {
  readonly exe: readonly string[];
  /** texts within the arguments, which a blank separates */
  readonly args: readonly string[];
  /** names or numbers */
  readonly user: readonly string[];
  /** names, or the beginnings of ids */
  readonly container: readonly string[];
  readonly unit: readonly string[];
  /** itself or what lies above */
  readonly cgroup: readonly string[];
}

export const anybody: Description = { exe: [], args: [], user: [], container: [], unit: [], cgroup: [] };

type Test = (who: Identity) => boolean;

const shortestId = 6;
const id = /^[0-9a-f]+$/;
const wild = /[*?[\\]/;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Described {
  readonly #tests: readonly Test[];
  readonly #asksArguments: boolean;
  readonly #asksContainer: boolean;

  /** @param isAny whether one of the lists is enough */
  constructor(
    description: Description,
    private readonly isAny = false,
  ) {
    const { exe, args, user, container, unit, cgroup } = description;
    const tests: [readonly string[], (value: string) => Test][] = [
      [exe, byExe],
      [args, byArguments],
      [user, byUser],
      [container, byContainer],
      [unit, byUnit],
      [cgroup, byCgroup],
    ];
    this.#tests = tests
      .filter(([values]) => values.length > 0)
      .map(([values, made]) => {
        const several = values.map(made);
        return (who) => several.some((test) => test(who));
      });
    this.#asksArguments = args.length > 0;
    this.#asksContainer = container.length > 0;
  }

  /** Whether there may be another answer later for the same process: by another title, or a container's name to come. */
  mayChange({ container }: Identity): boolean {
    return this.#asksArguments || (this.#asksContainer && container !== null && container.name === null);
  }

  get isEmpty(): boolean {
    return this.#tests.length === 0;
  }

  /** An end that nobody knows is like none. */
  has(who: Identity | null | undefined): boolean {
    if (who === null || who === undefined) return false;
    return this.isAny ? this.#tests.some((test) => test(who)) : this.#tests.every((test) => test(who));
  }
}

/** A pattern for the whole path, or without a slash for its last part. */
function byExe(pattern: string): Test {
  const glob = new Glob(pattern);
  const isName = !pattern.includes("/");
  return ({ exe }) => {
    if (exe === null) return false;
    return glob.matches(exe) || (isName && glob.matches(exe.subarray(exe.lastIndexOf(0x2f) + 1)));
  };
}

function byArguments(text: string): Test {
  return ({ args }) =>
    args
      .map((arg) => decoder.decode(arg))
      .join(" ")
      .includes(text);
}

function byUser(value: string): Test {
  const uid = /^\d+$/.test(value) ? Number(value) : null;
  return (who) => (uid === null ? who.user === value : who.uid === uid);
}

function byContainer(value: string): Test {
  const glob = new Glob(value);
  const isId = id.test(value) && value.length >= shortestId;
  return ({ container }) => {
    if (container === null) return false;
    if (container.name !== null && glob.matches(encoder.encode(container.name))) return true;
    return value === container.id || (isId && container.id.startsWith(value)) || value === "*";
  };
}

function byUnit(value: string): Test {
  const glob = new Glob(value.includes(".") || wild.test(value) ? value : `${value}.service`);
  return ({ unit }) => unit !== null && glob.matches(encoder.encode(unit));
}

function byCgroup(path: string): Test {
  const plain = path.replace(/(?<=.)\/+$/, "");
  const glob = wild.test(path) ? new Glob(path) : null;
  return ({ cgroup }) => {
    if (cgroup === null) return false;
    if (glob !== null) return glob.matches(encoder.encode(cgroup));
    return plain === "/" || cgroup === plain || cgroup.startsWith(`${plain}/`);
  };
}
