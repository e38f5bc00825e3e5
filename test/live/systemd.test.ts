/** Which unit a process is of, and whose, beside a systemd of Debian's. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { eventually, PATIENCE } from "../harness/condition.ts";
import { programPath } from "../harness/programs.ts";
import { Systemd } from "../harness/systemd.ts";
import { Trace, type TraceEvent } from "../harness/trace.ts";

setDefaultTimeout(2 * PATIENCE);

interface Who {
  args: string[];
  unit: string;
  cgroup: string;
  uid: number;
  user?: string;
  parent: string;
}

function service(words: string, more = ""): string {
  return `[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=${words}\n${more}`;
}

const groups = "/sys/fs/cgroup";
const units = {
  "plain.service": service("/program plain plain"),
  "of@.service": service("/program plain of-%i", "User=nobody"),
  "odd\\x2dname.service": service("/program plain odd", "Slice=web-shop.slice"),
  "delegated.service": service(
    `/bin/sh -c 'mkdir ${groups}/system.slice/delegated.service/below && exec /program cgroup ${groups}/system.slice/delegated.service/below delegated'`,
    "Delegate=yes",
  ),
  "starter.service": service(
    "/usr/bin/systemd-run --quiet --scope --unit=of-mine --uid=65534 /program plain scope",
  ),
};
const wants = Object.keys(units).map((name) => name.replace("@", "@him"));

/** By the last argument */
const wanted = {
  plain: { unit: "plain.service", cgroup: "/system.slice/plain.service", uid: 0, user: "root" },
  "of-him": {
    unit: "of@him.service",
    cgroup: "/system.slice/system-of.slice/of@him.service",
    uid: 65_534,
    user: "nobody",
  },
  odd: {
    unit: "odd\\x2dname.service",
    cgroup: "/web.slice/web-shop.slice/odd\\x2dname.service",
    uid: 0,
    user: "root",
  },
  delegated: {
    unit: "delegated.service",
    cgroup: "/system.slice/delegated.service/below",
    uid: 0,
    user: "root",
  },
  scope: { unit: "of-mine.scope", cgroup: "/system.slice/of-mine.scope", uid: 65_534, user: "nobody" },
};

test("services, a template, a slice, a delegated cgroup, a scope", async () => {
  const trace = await Trace.start("signal", "--who");
  const described = () =>
    (trace.events as (TraceEvent & { src: Who | null })[]).flatMap(({ src, src_pid, dst_pid }) =>
      src !== null && src_pid === dst_pid && src.args[0] === "/program" ? [src] : [],
    );
  let group: string;
  {
    await using systemd = Systemd.start(await programPath("who"), {
      ...units,
      "default.target": `[Unit]\nWants=${wants.join(" ")}\n`,
    });
    group = systemd.group;
    const all = eventually("an event of every unit", () =>
      described().length >= wants.length ? true : undefined,
    );
    const early = systemd.failure().then((words) => Promise.reject(new Error(words)));
    await Promise.race([all, early]);
  }
  await trace.settle();
  await trace.stop();
  const seen = described().map(({ args, unit, cgroup, uid, user }) => {
    const at = cgroup.indexOf(`${group}/`);
    return [args.at(-1), { unit, cgroup: cgroup.slice(at + group.length), uid, user }];
  });
  expect(seen).toHaveLength(wants.length);
  expect(Object.fromEntries(seen)).toEqual(wanted);
});
