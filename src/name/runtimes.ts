/**
 * Names of containers and pods, from the sockets of the runtimes that are here. They are asked now and then, and nothing
 * waits for an answer: until it comes a container is called by its id.
 */
import { existsSync } from "node:fs";
import type { CgroupPlace } from "../identity.ts";
import { type GivenNames, listByCri } from "./cri.ts";

/** The socket of a runtime that may be here. */
export interface RuntimeSocket {
  readonly path: string;
  /** what is asked for over HTTP; without it it is a server of CRI */
  readonly list?: string;
}

const everySocket: readonly RuntimeSocket[] = [
  { path: "/var/run/docker.sock", list: "/containers/json" },
  { path: "/run/podman/podman.sock", list: "/v4.0.0/libpod/containers/json" },
  { path: "/run/containerd/containerd.sock" },
  { path: "/run/k3s/containerd/containerd.sock" },
  { path: "/run/crio/crio.sock" },
  { path: "/var/run/cri-dockerd.sock" },
];
/** ms between two questions, and until one is given up */
const rest = 1000;
const patience = 2000;
/** containers that are remembered */
const most = 65_536;

export class Runtimes {
  readonly #listed = new Map<string, GivenNames>();
  #isAsking = false;
  #due = 0;

  constructor(private readonly sockets = everySocket) {}

  /** Gives a place the names that are known by now; whether it has one more than before. */
  name(place: CgroupPlace): boolean {
    const { container, pod } = place;
    if (container === null || container.name !== null) return false;
    const listed = this.#listed.get(container.id);
    if (listed === undefined) {
      void this.ask();
      return false;
    }
    container.name = listed.name;
    const isPodNamed = listed.pod !== null && pod?.name !== listed.pod.name;
    if (isPodNamed) place.pod = { uid: pod?.uid ?? listed.pod.uid, name: listed.pod.name };
    return container.name !== null || isPodNamed;
  }

  /** Asks all of them, unless that was done a moment ago. */
  async ask(): Promise<void> {
    const now = performance.now();
    if (this.#isAsking || now < this.#due) return;
    this.#isAsking = true;
    await Promise.all(this.sockets.filter(({ path }) => existsSync(path)).map((one) => this.#askOne(one)));
    this.#isAsking = false;
    this.#due = performance.now() + rest;
  }

  async #askOne({ path, list }: RuntimeSocket): Promise<void> {
    try {
      const all = await (list === undefined ? listByCri(path, patience) : listByHttp(path, list));
      if (this.#listed.size + all.length > most) this.#listed.clear();
      for (const one of all) this.#listed.set(one.id, one);
    } catch {
      // not running, not ours to ask, or another program
    }
  }
}

async function listByHttp(path: string, list: string): Promise<GivenNames[]> {
  const signal = AbortSignal.timeout(patience);
  const answer: unknown = await (await fetch(`http://localhost${list}`, { unix: path, signal })).json();
  return (Array.isArray(answer) ? answer : []).flatMap(listedOf);
}

/** A container as docker lists it, or podman, which has pods of its own. */
function listedOf(container: unknown): GivenNames[] {
  const id = textOf(container, "Id");
  if (id === null) return [];
  const { Names: names, Labels: labels } = container as Record<string, unknown>;
  const first: unknown = Array.isArray(names) ? names[0] : null;
  const name = textOf(labels, "io.kubernetes.pod.name") ?? textOf(container, "PodName");
  const uid = textOf(labels, "io.kubernetes.pod.uid") ?? textOf(container, "Pod");
  return [
    {
      id,
      name: typeof first === "string" ? first.replace(/^\//, "") : null,
      pod: name === null || uid === null ? null : { uid, name },
    },
  ];
}

/** null where there is none, or an empty one. */
function textOf(object: unknown, key: string): string | null {
  if (typeof object !== "object" || object === null) return null;
  const value = (object as Record<string, unknown>)[key];
  return typeof value === "string" && value !== "" ? value : null;
}
