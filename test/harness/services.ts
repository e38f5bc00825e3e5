import { existsSync, readFileSync } from "node:fs";

const FILE = "/etc/services";

let names: Map<string, string> | undefined;

/** What the services file of this system calls a port, else `8080/tcp`. */
export function serviceName(port: number, protocol: "tcp" | "udp"): string {
  names ??= readNames();
  const key = `${port}/${protocol}`;
  return names.get(key) ?? key;
}

/** The first name that each port has, as getservbyport(3) finds it. */
function readNames(): Map<string, string> {
  const found = new Map<string, string>();
  if (!existsSync(FILE)) return found;
  for (const line of readFileSync(FILE, "utf8").split("\n")) {
    const [name, port] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (name && port && !found.has(port)) found.set(port, name);
  }
  return found;
}
