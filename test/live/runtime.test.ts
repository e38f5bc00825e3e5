/** Who a process is in containers that runc makes, compared with what they were told to be. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { programPath } from "../harness/programs.ts";
import { Trace, type TraceEvent } from "../harness/trace.ts";

setDefaultTimeout(2 * PATIENCE);

const id = "fedcba9876543210".repeat(4);
const uid = "12345678-9abc-def0-1234-56789abcdef0";
const hierarchies = "/sys/fs/cgroup";

/** What --who adds to an event. */
interface Described {
  src: { args?: string[] } | null;
  dst: object | null;
}

/** root of a container with users of its own */
const mapped = 54_321;

let folder: string;
let top: string;
let trace: Trace;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-runtime-"));
  chmodSync(folder, 0o755);
  top = `ipcdump-test-${basename(folder)}`;
  mkdirSync(join(folder, "rootfs"));
  copyFileSync(await programPath("who"), join(folder, "rootfs/who"));
  trace = await Trace.start("signal", "--who");
}, 2 * PATIENCE);

afterAll(async () => {
  await trace?.stop();
  // the runtime leaves what lies above a container
  for (const name of ["", ...readdirSync(hierarchies)]) removeFolders(join(hierarchies, name, top));
  rmSync(folder, { recursive: true, force: true });
}, 2 * PATIENCE);

/** A cgroup and all below it. */
function removeFolders(path: string): void {
  let inner: { name: string; isDirectory(): boolean }[];
  try {
    inner = readdirSync(path, { withFileTypes: true });
  } catch {
    return; // not in this hierarchy
  }
  for (const one of inner) if (one.isDirectory()) removeFolders(join(path, one.name));
  rmdirSync(path);
}

/** What runc makes a container by: it runs `who plain WORD`. */
function bundle(cgroup: string, word: string, hasUsers: boolean): object {
  const namespaces = ["pid", "mount", "uts", "ipc", "network", ...(hasUsers ? ["user"] : [])];
  const users = [{ containerID: 0, hostID: mapped, size: 100 }];
  return {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["/who", "plain", word], env: [], cwd: "/" },
    root: { path: "rootfs", readonly: true },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
    ],
    linux: {
      cgroupsPath: `/${top}/${cgroup}`,
      namespaces: namespaces.map((type) => ({ type })),
      ...(hasUsers ? { uidMappings: users, gidMappings: users } : {}),
    },
  };
}

const slice = `kubepods.slice/kubepods-pod${uid.replaceAll("-", "_")}.slice`;
const docker = { container: id.slice(0, 12), container_id: id, runtime: "docker" };
const cases: [cgroup: string, hasUsers: boolean, wanted: object][] = [
  [`docker/${id}`, false, { ...docker, uid: 0, user: "root" }],
  [`docker/${id}`, true, { ...docker, uid: mapped }],
  [`${slice}/cri-containerd-${id}.scope`, false, { container_id: id, runtime: "containerd", pod_uid: uid }],
  [`${slice}/crio-${id}.scope`, true, { container_id: id, runtime: "cri-o", pod_uid: uid, uid: mapped }],
  [`machine.slice/libpod-${id}.scope`, false, { container_id: id, runtime: "podman", uid: 0 }],
];

test.each(cases)("%s, users of its own: %p", async (cgroup, hasUsers, wanted) => {
  const word = `case ${cases.findIndex(([path, has]) => path === cgroup && has === hasUsers)}`;
  writeFileSync(join(folder, "config.json"), JSON.stringify(bundle(cgroup, word, hasUsers)));
  const words = [
    "runc",
    "--root",
    join(folder, "state"),
    "run",
    "--bundle",
    folder,
    `${top}-${word.slice(5)}`,
  ];
  const { stdout, stderr, exitCode } = Bun.spawnSync(words, { stdin: "ignore", stderr: "pipe" });
  // alone in its pid namespace
  expect([stdout.toString(), stderr.toString(), exitCode]).toEqual(["1\n", "", 0]);
  await trace.settle();
  const events = (trace.events as (TraceEvent & Described)[]).filter(({ src }) => src?.args?.[2] === word);
  expect(events).toHaveLength(1);
  const [event] = events;
  expect(event!.dst).toEqual(event!.src);
  expect(event!.src!).toMatchObject({
    exe: "/who",
    args: ["/who", "plain", word],
    cgroup: expect.stringMatching(new RegExp(`/${top}/${cgroup}$`)),
    ...wanted,
  });
  expect("user" in event!.src!).toBe("user" in wanted || !hasUsers);
});
