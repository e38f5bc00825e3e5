/** An identity as an object of JSON. */
import { escapeJson } from "../bytes/escape.ts";
import type { Output } from "../bytes/output.ts";
import type { Identity } from "../identity.ts";

const quote = 0x22;
const encoder = new TextEncoder();

/**
 * null for an end that nobody knows.
 * @param hasLabel whether what text has behind the name is there, too, for who reads such text
 */
export function identityJson(who: Identity | null, out: Output, hasLabel = false): void {
  if (who === null) {
    out.string("null");
    return;
  }
  const { exe, args, isCut, uid, user, ancestors, cgroup, container, pod, unit } = who;
  out.string("{");
  if (exe !== null) member("exe", exe, out);
  out.string('"args":[');
  args.forEach((arg, i) => {
    if (i > 0) out.string(",");
    text(arg, out);
  });
  out.string(`],${isCut ? '"args_cut":true,' : ""}"uid":${uid}`);
  if (user !== null) later("user", user, out);
  const [parent] = ancestors;
  if (parent !== undefined) {
    out.string(`,"ppid":${parent.pid}`);
    later("parent", parent.comm, out);
    out.string(',"ancestors":[');
    ancestors.forEach(({ pid, comm }, i) => {
      out.string(`${i > 0 ? "," : ""}{"pid":${pid},"comm":`);
      text(comm, out);
      out.string("}");
    });
    out.string("]");
  }
  if (cgroup !== null) later("cgroup", cgroup, out);
  if (container !== null) {
    later("container", container.name ?? container.id.slice(0, 12), out);
    later("container_id", container.id, out);
    later("runtime", container.runtime, out);
  }
  if (pod !== null) {
    later("pod", pod.name ?? pod.uid, out);
    later("pod_uid", pod.uid, out);
  }
  if (unit !== null) later("unit", unit, out);
  if (hasLabel) later("label", who.label, out);
  out.string("}");
}

function later(key: string, value: Uint8Array | string, out: Output): void {
  out.string(`,"${key}":`);
  text(typeof value === "string" ? encoder.encode(value) : value, out);
}

function member(key: string, value: Uint8Array, out: Output): void {
  out.string(`"${key}":`);
  text(value, out);
  out.string(",");
}

function text(value: Uint8Array, out: Output): void {
  out.byte(quote);
  escapeJson(value, 0, value.length, out);
  out.byte(quote);
}
