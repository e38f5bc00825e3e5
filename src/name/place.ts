/** Container, pod and unit, from the path of a cgroup as docker, containerd, cri-o, podman, LXC and systemd make them. */
import type { CgroupPlace, Container, Pod } from "../identity.ts";

/** prefixes of 64 digits in the name of a folder, and whose they are */
const runtimes: Readonly<Record<string, string>> = {
  docker: "docker",
  "cri-containerd": "containerd",
  containerd: "containerd",
  nerdctl: "nerdctl",
  crio: "cri-o",
  libpod: "podman",
  "libpod-payload": "podman",
  buildkit: "buildkit",
};
const digits = /^[0-9a-f]{64}$/;
const prefixed = /^(?:.*:)?([a-z-]+)[-:]([0-9a-f]{64})$/;
const podFolder =
  /^(?:kubepods-.*-|kubepods-)?pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$/;
const namedLxc = /^lxc(?:\.payload)?\.(.+)$/;
const garden = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){4}$/;
const unitFolder = /^.+\.(?:service|scope|socket|mount|swap|slice)$/;

/** The innermost container of a path, the pod it is in, and the innermost unit that is no slice, or else the innermost slice. */
export function placeOf(cgroup: string): CgroupPlace {
  const parts = cgroup.split("/");
  let container: Container | null = null;
  let pod: Pod | null = null;
  for (let i = parts.length - 1; i >= 0; i--) {
    container ??= containerOf(parts, i);
    const uid = podFolder.exec(parts[i]!.replace(/:.*/, ""))?.[1];
    if (uid !== undefined) pod ??= { uid: uid.replaceAll("_", "-"), name: null };
  }
  return { container, pod, unit: unitOf(parts) };
}

function containerOf(parts: readonly string[], at: number): Container | null {
  const part = parts[at]!.replace(/\.scope$/, "");
  const before = parts[at - 1] ?? "";
  const made = (id: string, runtime: string): Container => ({ id, runtime, name: null });
  const [, prefix, id] = prefixed.exec(part) ?? [];
  // the monitor beside a container is none
  if (prefix !== undefined && id !== undefined)
    return Object.hasOwn(runtimes, prefix) ? made(id, runtimes[prefix]!) : null;
  if (digits.test(part)) {
    if (podFolder.test(before)) return made(part, "containerd");
    return made(part, before === "libpod_parent" || before === "libpod" ? "podman" : "docker");
  }
  const lxc = namedLxc.exec(part)?.[1] ?? (before === "lxc" && part !== "" ? part : undefined);
  if (lxc !== undefined) return { id: lxc, runtime: "lxc", name: lxc };
  const machine = before === "machine.slice" ? /^machine-(.+)$/.exec(part)?.[1] : undefined;
  if (machine !== undefined) {
    const name = unescapeUnit(machine);
    return { id: name, runtime: "nspawn", name };
  }
  return before === "garden" || garden.test(part) ? made(part, "garden") : null;
}

function unitOf(parts: readonly string[]): string | null {
  const units = parts.filter((part) => unitFolder.test(part));
  return units.findLast((unit) => !unit.endsWith(".slice")) ?? units.at(-1) ?? null;
}

/** `web\x2d1` → `web-1`, as systemd-escape(1) has it */
function unescapeUnit(name: string): string {
  return name.replaceAll(/\\x([0-9a-f]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
}
