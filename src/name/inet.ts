/** Addresses of sockets, as keys and as people write them. */

import type { Descriptor } from "../proc/descriptors.ts";
import { printAddress } from "./addresses.ts";

/** A socket's connection and its other direction, as keys. */
export interface Inet {
  key: string;
  reversed: string;
}

export function inetOf({ net, protocol, local, localPort, remote, remotePort }: Descriptor): Inet {
  const [near, far] = [`${local!.toHex()} ${localPort}`, `${remote!.toHex()} ${remotePort}`];
  return { key: `${net} ${protocol} ${near} ${far}`, reversed: `${net} ${protocol} ${far} ${near}` };
}

/** `127.0.0.1:80`, of v6 `[::1]:80` */
export function endpoint(address: Uint8Array, port: number): string {
  const text = printAddress(address);
  return `${text.includes(":") ? `[${text}]` : text}:${port}`;
}

/** Where a socket is bound. */
export function nameOf({ local, localPort }: Descriptor): string {
  return endpoint(local!, localPort);
}

export function connected({ local, localPort, remote, remotePort }: Descriptor): string {
  return `${endpoint(local!, localPort)} - ${endpoint(remote!, remotePort)}`;
}

/** Whether a connection stays on this host: its other end has a loopback address, or its own. */
export function isNear({ local, remote }: Descriptor): boolean {
  const far = printAddress(remote!);
  return far.startsWith("127.") || far === "::1" || far === printAddress(local!);
}
