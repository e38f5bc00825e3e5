import { expect, test } from "bun:test";
import { Errno } from "../../ffi/error.ts";
import type { BpfObject } from "../../ffi/object.ts";
import { type Program, ProgramError } from "../../ffi/program.ts";
import { Plan } from "../../src/attach/plan.ts";
import { kinds } from "../../src/kinds/index.ts";
import type { KindModule } from "../../src/kinds/kind.ts";

const loopback = kinds.find(({ name }) => name === "loopback-tcp")!;

/** One of each hook of a kind, in a kernel that has none of these functions. */
function programsOf(kind: KindModule, backend: "fentry" | "kprobe", lacking: readonly string[]): Program[] {
  return Object.keys(kind.hooks).map((hook) => {
    const program = {
      name: `${hook}__${backend}`,
      hook,
      backend,
      way: backend,
      enable: () => {},
      aim(functions: readonly string[]) {
        if (functions.every((name) => lacking.includes(name)))
          throw new ProgramError(`find ${functions.join(" or ")} for`, program, Errno.ESRCH);
      },
    } as unknown as Program;
    return program;
  });
}

/** The kind with fentry where these functions are lacking. */
function select(lacking: readonly string[]) {
  const object = { programs: programsOf(loopback, "fentry", lacking) } as unknown as BpfObject;
  const plan = new Plan(loopback);
  plan.begin(object, ["fentry"], new Map());
  return plan.select(object);
}

const ipv6 = ["inet6_sendmsg", "inet6_recvmsg", "udpv6_sendmsg"];

test("IPv6 as a module that is not loaded costs loopback IPv6, and nothing else", () => {
  const all = select([]).programs.map(({ hook }) => hook);
  const { backend, programs, unseen } = select(ipv6);
  expect(backend).toBe("fentry");
  expect(all.filter((hook) => !programs.some((one) => one.hook === hook))).toEqual([
    ...[
      "functions_inet6_receive_begins",
      "functions_inet6_receive_ends",
      "functions_inet6",
      "functions_udp6",
    ],
  ]);
  expect(unseen).toEqual(["racing threads", "ipv6 loaded later"]);
});

test("without the functions of IPv4 it is another back end's", () => {
  expect(() => select(["inet_sendmsg"])).toThrow("cannot find inet_sendmsg for functions_inet__fentry");
});

test("a kprobe that finds no place when it is attached is left out", () => {
  const object = { programs: programsOf(loopback, "kprobe", []) } as unknown as BpfObject;
  const plan = new Plan(loopback);
  plan.begin(object, ["kprobe"], new Map());
  const traced = plan.select(object);
  const [inet6, inet] = ["functions_inet6", "functions_inet"].map(
    (hook) => traced.programs.find((one) => one.hook === hook)!,
  );
  expect([inet6, inet].map((program) => traced.isOptional(program!))).toEqual([true, false]);
  traced.doWithout(inet6!, new ProgramError("attach", inet6!, Errno.ENOENT));
  expect(traced.programs).not.toContain(inet6!);
  expect(traced.unseen).toEqual(["racing threads", "ipv6 loaded later"]);
});
