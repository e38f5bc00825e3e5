/** For doctor: the offers of the kernel and of this process's privileges, as far as they can be read. */
import { existsSync } from "node:fs";
import { kernelTypes, typesError } from "../../ffi/btf.ts";
import { describe, Errno } from "../../ffi/error.ts";
import { missingCapabilities } from "../attach/privileges.ts";
import { read } from "../proc/files.ts";
import { pidNamespace, showsOurPids } from "../proc/processes.ts";

export interface Check {
  name: string;
  ok: boolean;
  finding: string;
  /** the command or the change that mends it; empty when nothing has to be */
  remedy: string;
}

/** Without these nothing can be traced, and trying would only say so in many ways. */
export const vital: readonly string[] = ["privileges", "BTF"];

/** All checks, those that matter most first. */
export function runChecks(): Check[] {
  return [privileges(), btf(), lockdown(), kprobes(), tracefs(), namespace()];
}

/** `Linux 6.1.0-38-amd64 x86_64` */
export function kernel(): string {
  return `Linux ${read("/proc/sys/kernel/osrelease").trim()} ${process.arch === "x64" ? "x86_64" : process.arch}`;
}

function privileges(): Check {
  const missing = missingCapabilities();
  if (missing.length === 0) return good("privileges", "enough");
  return bad("privileges", `without ${missing.join(", ")}`, "sudo ipcdump doctor");
}

function btf(): Check {
  const error = typesError();
  if (error === 0) return good("BTF", kernelTypes);
  if (error !== Errno.ENOENT)
    return bad("BTF", `${kernelTypes}: ${describe(error)}`, "open it and the folders above it, or use sudo");
  if (!existsSync("/sys/kernel")) return bad("BTF", "/sys is not mounted", "mount -t sysfs sysfs /sys");
  return bad(
    "BTF",
    "/sys/kernel/btf/vmlinux is missing",
    "use a kernel built with CONFIG_DEBUG_INFO_BTF (5.8 or later)",
  );
}

function lockdown(): Check {
  const mode = /\[(\w+)\]/.exec(read("/sys/kernel/security/lockdown"))?.[1] ?? "none";
  if (mode !== "confidentiality") return good("lockdown", mode);
  return bad("lockdown", `${mode}: BPF may not read kernel memory`, "boot with lockdown=integrity");
}

function kprobes(): Check {
  const off = read("/sys/kernel/debug/kprobes/enabled").trim() === "0";
  if (off) return bad("kprobes", "switched off", "echo 1 >/sys/kernel/debug/kprobes/enabled");
  if (existsSync("/sys/bus/event_source/devices/kprobe")) return good("kprobes", "there");
  return bad(
    "kprobes",
    "not in this kernel",
    "use a kernel built with CONFIG_KPROBES, or fentry or tracepoint",
  );
}

function tracefs(): Check {
  const folder = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"].find((path) =>
    existsSync(`${path}/events`),
  );
  if (folder !== undefined) return good("tracefs", folder);
  return bad("tracefs", "not mounted", "mount -t tracefs tracefs /sys/kernel/tracing");
}

function namespace(): Check {
  const mount = "mount -t proc proc /proc";
  if (!existsSync("/proc/self")) return bad("/proc", "not mounted", mount);
  if (!showsOurPids()) return bad("/proc", "that of another pid namespace", mount);
  if (pidNamespace() === 0) return good("pid namespace", "the host's");
  return bad(
    "pid namespace",
    "a container's",
    "trace on the host, or with --all-ns what has no end in here, too",
  );
}

function good(name: string, finding: string): Check {
  return { name, ok: true, finding, remedy: "" };
}

function bad(name: string, finding: string, remedy: string): Check {
  return { name, ok: false, finding, remedy };
}
