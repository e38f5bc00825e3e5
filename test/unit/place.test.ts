/** Paths of cgroups as runtimes make them: container, pod and unit. */
import { expect, test } from "bun:test";
import { placeOf } from "../../src/name/place.ts";

const id = "0123456789abcdef".repeat(4);
const uid = "12345678-9abc-def0-1234-56789abcdef0";
const slice = uid.replaceAll("-", "_");
const pods = "/kubepods.slice/kubepods-burstable.slice";

const cases: [
  path: string,
  container: string | null,
  runtime: string | null,
  pod: string | null,
  unit: string | null,
][] = [
  ["", null, null, null, null],
  ["/", null, null, null, null],
  [`/docker/${id}`, id, "docker", null, null],
  [`/actions_job/${id}`, id, "docker", null, null],
  [`/system.slice/docker-${id}.scope`, id, "docker", null, `docker-${id}.scope`],
  [`/docker/${id}/system.slice/cron.service`, id, "docker", null, "cron.service"],
  [`/docker/${"a".repeat(64)}/docker/${id}`, id, "docker", null, null],
  [`/kubepods/burstable/pod${uid}/${id}`, id, "containerd", uid, null],
  [`/kubepods/pod${uid}/${id}`, id, "containerd", uid, null],
  [
    `${pods}/kubepods-burstable-pod${slice}.slice/cri-containerd-${id}.scope`,
    id,
    "containerd",
    uid,
    `cri-containerd-${id}.scope`,
  ],
  [
    `/system.slice/containerd.service/kubepods-burstable-pod${slice}.slice:cri-containerd:${id}`,
    id,
    "containerd",
    uid,
    "containerd.service",
  ],
  [`${pods}/kubepods-burstable-pod${slice}.slice/crio-${id}.scope`, id, "cri-o", uid, `crio-${id}.scope`],
  [
    `${pods}/kubepods-burstable-pod${slice}.slice/crio-conmon-${id}.scope`,
    null,
    null,
    uid,
    `crio-conmon-${id}.scope`,
  ],
  [`/machine.slice/libpod-${id}.scope/container`, id, "podman", null, `libpod-${id}.scope`],
  [`/machine.slice/libpod-conmon-${id}.scope`, null, null, null, `libpod-conmon-${id}.scope`],
  [`/libpod_parent/libpod-${id}`, id, "podman", null, null],
  [
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope`,
    id,
    "podman",
    null,
    `libpod-${id}.scope`,
  ],
  [`/machine.slice/libpod-payload-${id}`, id, "podman", null, "machine.slice"],
  [`/system.slice/nerdctl-${id}.scope`, id, "nerdctl", null, `nerdctl-${id}.scope`],
  ["/lxc/web", "web", "lxc", null, null],
  ["/lxc.payload.web/system.slice/ssh.service", "web", "lxc", null, "ssh.service"],
  ["/machine.slice/machine-web\\x2d1.scope", "web-1", "nspawn", null, "machine-web\\x2d1.scope"],
  ["/user.slice/user-1000.slice/session-3.scope", null, null, null, "session-3.scope"],
  ["/system.slice", null, null, null, "system.slice"],
  // 32 digits, or 64 with a prefix nobody has, are no container
  [`/jobs/${id.slice(0, 32)}`, null, null, null, null],
  [`/jobs/other-${id}.scope`, null, null, null, `other-${id}.scope`],
];

test.each(cases)("%s", (path, container, runtime, pod, unit) => {
  const place = placeOf(path);
  expect([place.container?.id ?? null, place.container?.runtime ?? null]).toEqual([container, runtime]);
  expect([place.pod?.uid ?? null, place.unit]).toEqual([pod, unit]);
});
