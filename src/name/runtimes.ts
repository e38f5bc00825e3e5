/**
 * Names of containers and pods, from the sockets of the runtimes that are here. They are asked now and then, and nothing
 * waits for an answer: until it comes a container is called by its id.
 */
import { existsSync } from "node:fs";
import type { CgroupPlace } from "../identity.ts";

const sockets: readonly { path: string; list: string }[] = [
  { path: "/var/run/docker.sock", list: "/containers/json" },
  { path: "/run/podman/podman.sock", list: "/v4.0.0/libpod/containers/json" },
];
/** ms between two questions, and until one is given up */
const rest = 1000;
const patience = 2000;
/** containers that are remembered */
const most = 65_536;

interface GivenNames {
  readonly name: string | null;
  readonly pod: string | null;
}

export class Runtimes {
  readonly #names = new Map<string, GivenNames>();
  #isAsking = false;
  #due = 0;

  /** Gives a place the names that are known by now; whether it has one more than before. */
  name(place: CgroupPlace): boolean {
    const { container, pod } = place;
    if (container === null || container.name !== null) return false;
    const names = this.#names.get(container.id);
    if (names === undefined) {
      void this.ask();
      return false;
    }
    container.name = names.name;
    if (pod !== null) pod.name ??= names.pod;
    return container.name !== null;
  }

  /** Asks all of them, unless that was done a moment ago. */
  async ask(): Promise<void> {
    const now = performance.now();
    if (this.#isAsking || now < this.#due) return;
    this.#isAsking = true;
    await Promise.all(sockets.filter(({ path }) => existsSync(path)).map((socket) => this.#askOne(socket)));
    this.#isAsking = false;
    this.#due = performance.now() + rest;
  }

  async #askOne({ path, list }: { path: string; list: string }): Promise<void> {
    try {
      const answer = await fetch(`http://localhost${list}`, {
        unix: path,
        signal: AbortSignal.timeout(patience),
      });
      const containers: unknown = await answer.json();
      if (!Array.isArray(containers)) return;
      for (const one of containers) this.#keep(one);
    } catch {
      // not running, not ours to ask, or another program
    }
  }

  #keep(container: unknown): void {
    if (typeof container !== "object" || container === null) return;
    const { Id: id, Names: names, Labels: labels } = container as Record<string, unknown>;
    const first: unknown = Array.isArray(names) ? names[0] : null;
    if (typeof id !== "string") return;
    if (this.#names.size >= most) this.#names.clear();
    this.#names.set(id, {
      name: typeof first === "string" ? first.replace(/^\//, "") : null,
      pod: textOf(labels, "io.kubernetes.pod.name"),
    });
  }
}

function textOf(object: unknown, key: string): string | null {
  if (typeof object !== "object" || object === null) return null;
  const value = (object as Record<string, unknown>)[key];
  return typeof value === "string" ? value : null;
}
