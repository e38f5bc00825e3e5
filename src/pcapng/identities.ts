/** Identities as `-f pcapng --who` wrote them: `{"src":{…},"dst":{…}}`, in a comment of its own. */
import type { Ancestor, Identity } from "../identity.ts";

/** comments that are remembered: the same one is the same two identities */
const most = 4096;
const nothing = new Uint8Array(0);
const encoder = new TextEncoder();

export interface RecordedEnds {
  readonly src: Identity | null;
  readonly dst: Identity | null;
}

export class RecordedIdentities {
  #known = new Map<string, RecordedEnds>();

  /** null: that is no such comment. */
  read(text: string): RecordedEnds | null {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return null;
    }
    if (!isObject(value)) return null;
    const ends = { src: identityOf(value.src), dst: identityOf(value.dst) };
    if (this.#known.size >= most) this.#known = new Map();
    this.#known.set(text, ends);
    return ends;
  }
}

function identityOf(value: unknown): Identity | null {
  if (!isObject(value)) return null;
  const { args, ancestors, uid, container_id: id, pod_uid: podUid } = value;
  const container = textOf(value.container);
  const runtime = textOf(value.runtime);
  const isNamed = typeof id === "string" && container !== null && !id.startsWith(container);
  return {
    exe: bytesOfText(value.exe),
    args: Array.isArray(args) ? args.map((arg) => bytesOfText(arg) ?? nothing) : [],
    isCut: value.args_cut === true,
    uid: typeof uid === "number" ? uid : -1,
    user: textOf(value.user),
    ancestors: Array.isArray(ancestors) ? ancestors.map(ancestorOf) : [],
    cgroup: textOf(value.cgroup),
    container:
      typeof id === "string" ? { id, runtime: runtime ?? "", name: isNamed ? container : null } : null,
    pod:
      typeof podUid === "string"
        ? { uid: podUid, name: value.pod === podUid ? null : textOf(value.pod) }
        : null,
    unit: textOf(value.unit),
    label: bytesOfText(value.label) ?? nothing,
    title: nothing,
  };
}

function ancestorOf(value: unknown): Ancestor {
  const { pid, comm } = isObject(value) ? value : {};
  return { pid: typeof pid === "number" ? pid : -1, comm: bytesOfText(comm) ?? nothing };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function bytesOfText(value: unknown): Uint8Array | null {
  return typeof value === "string" ? encoder.encode(value) : null;
}
