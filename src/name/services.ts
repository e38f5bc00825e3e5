/** Names of ports, from the system's services file. */
import { readFileSync } from "node:fs";

type Protocol = "tcp" | "udp";

const encoder = new TextEncoder();
let names: Map<string, Uint8Array> | null = null;
/** by port, so that nothing is put together for an event */
const known = { tcp: new Map<number, Uint8Array>(), udp: new Map<number, Uint8Array>() };

/** `http`, or `8080/tcp` for a port without a name */
export function serviceName(port: number, protocol: Protocol): Uint8Array {
  let name = known[protocol].get(port);
  if (name === undefined) {
    const wanted = `${port}/${protocol}`;
    names ??= load();
    name = names.get(wanted) ?? encoder.encode(wanted);
    known[protocol].set(port, name);
  }
  return name;
}

function load(): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  let text = "";
  try {
    text = readFileSync("/etc/services", "utf8");
  } catch {
    return found; // a container without one
  }
  for (const line of text.split("\n")) {
    const [name, port] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (name !== undefined && port !== undefined && !found.has(port)) found.set(port, encoder.encode(name));
  }
  return found;
}
