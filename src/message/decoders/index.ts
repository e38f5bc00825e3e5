import type { Protocol } from "../protocol.ts";
import { dbus } from "./dbus.ts";
import { http } from "./http.ts";
import { journal } from "./journal.ts";
import { jsonrpc } from "./jsonrpc.ts";
import { pgsql } from "./pgsql.ts";
import { resp } from "./resp.ts";
import { sshAgent } from "./ssh-agent.ts";
import { syslog } from "./syslog.ts";
import { varlink } from "./varlink.ts";
import { wayland } from "./wayland.ts";

/** All decoders, in the order in which they are asked whose the first bytes are. */
export const protocols: readonly Protocol[] = [
  ...[http, jsonrpc, varlink, dbus, resp, pgsql, sshAgent, wayland],
  ...[syslog, journal],
];

/** Those of these names. */
export function decodersOf(names: readonly string[]): readonly Protocol[] {
  return protocols.filter(({ name }) => names.includes(name));
}
