import { inVm } from "./programs.ts";

/** More than anybody reads in time, until it is disposed. A VM is that slow that less will do. */
export function flood(): Disposable {
  const writer = inVm ? "while :; do echo yes; done" : "yes";
  const process = Bun.spawn(["sh", "-c", `${writer} | cat >/dev/null`], { detached: true });
  return { [Symbol.dispose]: () => globalThis.process.kill(-process.pid, "SIGKILL") };
}
