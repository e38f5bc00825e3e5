/**
 * Sockets by their address, from /proc/net of a network namespace: for receivers that no hook has
 * seen. Every answer is an inode number of a socket.
 */
import { link, read } from "./files.ts";
import { processes } from "./processes.ts";

const freshness = 20;
const listening = "0A";
const listeningUnix = 0x10000;
/** of a unix socket (UNIX_PATH_MAX) */
const longestPath = 108;

/** A socket of /proc/net/{tcp,udp}: addresses as 32 hex digits, v4 mapped. */
interface InetSocket {
  local: string;
  localPort: number;
  remote: string;
  remotePort: number;
  state: string;
  inode: number;
}

interface UnixSocket {
  path: string;
  type: number;
  listens: boolean;
  inode: number;
  /** the row may be a part of the path in the row before, as the kernel prints a newline as it is */
  isDoubtful: boolean;
}

const mapped = "00000000000000000000ffff";
const anyV4 = `${mapped}00000000`;
const anyV6 = "0".repeat(32);

/** An inode found, and whether it is only the likely one. */
export interface Found {
  inode: number;
  guess: boolean;
}

export class Sockets {
  readonly #folders = new Map<number, string | null>();
  readonly #cache = new Map<string, { at: number; value: unknown }>();

  /** The TCP socket at the other end of a connection, or the listener that has not accepted it yet. */
  tcp(net: number, local: string, localPort: number, remote: string, remotePort: number): Found | null {
    const sockets = this.#inet(net, "tcp");
    const exact = sockets.find(
      (s) =>
        s.localPort === localPort && s.remotePort === remotePort && s.local === local && s.remote === remote,
    );
    if (exact !== undefined && exact.inode !== 0) return { inode: exact.inode, guess: false };
    return this.tcpListener(net, local, localPort);
  }

  /** Who listens for connections to that address. */
  tcpListener(net: number, local: string, localPort: number): Found | null {
    const listener = this.#inet(net, "tcp").find(
      (s) => s.state === listening && s.localPort === localPort && isFor(s.local, local),
    );
    return listener === undefined ? null : { inode: listener.inode, guess: true };
  }

  /** The UDP socket that gets what is sent to an address of this host; several: nobody can tell, inode 0. */
  udp(net: number, local: string, localPort: number, remote: string, remotePort: number): Found | null {
    if (!this.#isLocal(net, local)) return null;
    const fitting = this.#inet(net, "udp").filter(
      (s) =>
        s.localPort === localPort &&
        isFor(s.local, local) &&
        (s.remotePort === 0 || (s.remotePort === remotePort && s.remote === remote)),
    );
    // the most specific one wins: connected before bound to the address before bound to any
    const score = (s: InetSocket) => (s.remotePort === 0 ? 0 : 2) + (s.local === local ? 1 : 0);
    const best = Math.max(...fitting.map(score));
    const candidates = fitting.filter((s) => score(s) === best);
    if (candidates.length === 0) return null;
    return { inode: candidates.length === 1 ? candidates[0]!.inode : 0, guess: false };
  }

  /** The unix datagram socket bound to a path (`@name` for abstract). */
  unix(net: number, path: string): Found | null {
    const found = this.#unix(net).find((s) => s.path === path && s.type === 2);
    return found === undefined ? null : { inode: found.inode, guess: found.isDoubtful };
  }

  /** The listener at a path. */
  unixListener(net: number, path: string): Found | null {
    const found = this.#unix(net).find((s) => s.path === path && s.listens);
    return found === undefined ? null : { inode: found.inode, guess: true };
  }

  #isLocal(net: number, address: string): boolean {
    if (address.startsWith(`${mapped}7f`) || address === `${"0".repeat(31)}1`) return true;
    return this.#cached(`local ${net}`, () => this.#localAddresses(net)).has(address);
  }

  #localAddresses(net: number): Set<string> {
    const addresses = new Set<string>();
    let last = "";
    for (const line of this.#read(net, "fib_trie").split("\n")) {
      const address = /\|--\s+(\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1];
      if (address !== undefined) last = address;
      else if (/host LOCAL/.test(line)) addresses.add(mapped + last.split(".").map(hexByte).join(""));
    }
    for (const line of this.#read(net, "if_inet6").split("\n")) {
      if (line.length >= 32) addresses.add(line.slice(0, 32));
    }
    return addresses;
  }

  #inet(net: number, protocol: "tcp" | "udp"): InetSocket[] {
    return this.#cached(`${protocol} ${net}`, () => [
      ...parseInet(this.#read(net, protocol)),
      ...parseInet(this.#read(net, `${protocol}6`)),
    ]);
  }

  #unix(net: number): UnixSocket[] {
    return this.#cached(`unix ${net}`, () => parseUnix(this.#read(net, "unix")));
  }

  #cached<Value>(name: string, make: () => Value): Value {
    const now = performance.now();
    const known = this.#cache.get(name);
    if (known !== undefined && now - known.at < freshness) return known.value as Value;
    const value = make();
    this.#cache.set(name, { at: performance.now(), value });
    return value;
  }

  #read(net: number, file: string, isAgain = false): string {
    const folder = this.#folder(net);
    if (folder === null) return "";
    const text = read(`${folder}/net/${file}`);
    // its process may be gone, its number another's, or it may have moved to another namespace
    if (text !== "" && link(`${folder}/ns/net`) === nameOf(net)) return text;
    this.#folders.delete(net);
    return isAgain ? "" : this.#read(net, file, true);
  }

  /** /proc/PID of some process in a network namespace */
  #folder(net: number): string | null {
    const known = this.#folders.get(net);
    if (known !== undefined) return known;
    for (const pid of ["self", ...processes()]) {
      if (link(`/proc/${pid}/ns/net`) !== nameOf(net)) continue;
      this.#folders.set(net, `/proc/${pid}`);
      return `/proc/${pid}`;
    }
    return null;
  }
}

/** As the link in /proc/PID/ns says it. */
function nameOf(net: number): string {
  return `net:[${net}]`;
}

function isFor(bound: string, address: string): boolean {
  return bound === address || bound === anyV6 || (bound === anyV4 && address.startsWith(mapped));
}

function hexByte(decimal: string): string {
  return Number(decimal).toString(16).padStart(2, "0");
}

/** "0100007F" (words in host order) → network order, v4 mapped */
function address(words: string): string {
  const bytes = words.toLowerCase().replace(/(..)(..)(..)(..)/g, "$4$3$2$1");
  return bytes.length === 8 ? mapped + bytes : bytes;
}

/** Rows of /proc/net/unix. */
export function parseUnix(text: string): UnixSocket[] {
  const sockets: UnixSocket[] = [];
  /** of the row before: its path and the newline */
  let before = "";
  for (const line of text.split("\n").slice(1)) {
    const row = /^\S+ \S+ \S+ (\S+) (\S+) \S+\s+(\d+)( .*)?$/.exec(line);
    if (row === null) {
      before += `${line}\n`; // nothing but a path goes on behind a newline
      continue;
    }
    const [, flags = "", type = "", inode = "", path = ""] = row;
    const isDoubtful = before !== "" && before.length + line.length <= longestPath;
    before = path === "" ? "" : `${path.slice(1)}\n`;
    if (path === "") continue;
    const listens = (Number.parseInt(flags, 16) & listeningUnix) !== 0;
    sockets.push({
      path: path.slice(1),
      type: Number.parseInt(type, 16),
      listens,
      inode: Number(inode),
      isDoubtful,
    });
  }
  return sockets;
}

function parseInet(text: string): InetSocket[] {
  const sockets: InetSocket[] = [];
  for (const line of text.split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [local, localPort] = fields[1]?.split(":") ?? [];
    const [remote, remotePort] = fields[2]?.split(":") ?? [];
    if (local === undefined || localPort === undefined || remote === undefined || remotePort === undefined)
      continue;
    sockets.push({
      local: address(local),
      localPort: Number.parseInt(localPort, 16),
      remote: address(remote),
      remotePort: Number.parseInt(remotePort, 16),
      state: fields[3] ?? "",
      inode: Number(fields[9]),
    });
  }
  return sockets;
}
