/**
 * Which port stands for a path, so that Wireshark's own dissectors come up: that of the protocol which is spoken there.
 * What is not in this table gets a port that no dissector is for.
 */

/** Of D-Bus, which has no port of its own: `-d tcp.port==55555,dbus` makes Wireshark read it. */
export const dbusPort = 55_555;
/** Of the handshake in front of D-Bus's messages, which Wireshark would take for the begin of one. */
export const dbusHandshakePort = 55_556;
export const mysqlPort = 3306;

interface KnownPath {
  readonly path: RegExp;
  /** the port, or how to find it in the path */
  readonly port: number | ((found: RegExpExecArray) => number);
}

const known: readonly KnownPath[] = [
  { path: /\/(docker|podman|containerd)[^/]*\.sock$/, port: 80 },
  { path: /\/snapd(-snap)?\.socket$/, port: 80 },
  { path: /\/\.s\.PGSQL\.\d+$/, port: 5432 },
  { path: /\/redis[^/]*\.sock$/, port: 6379 },
  { path: /\/mysqlx[^/]*\.sock$/, port: 33_060 },
  { path: /\/(mysqld?|mariadb)[^/]*\.sock$/, port: mysqlPort },
  { path: /^@?\/tmp\/\.X11-unix\/X(\d+)$/, port: ([, display]) => 6000 + (Number(display) % 64) },
  { path: /\/memcached[^/]*\.sock$/, port: 11211 },
  { path: /\/mongodb-\d+\.sock$/, port: 27017 },
  { path: /^\/dev\/log$|\/systemd\/journal\/(dev-log|syslog)$/, port: 514 },
  { path: /\/(system_bus_socket|bus)$|^@?\/tmp\/dbus-|\/dbus-[^/]+$/, port: dbusPort },
];

/** First and last ports that belong to nobody; between them Wireshark has dissectors. */
const free: readonly (readonly [first: number, last: number])[] = [
  [49_152, 49_998],
  [50_000, 54_327],
  [54_329, dbusPort - 1],
  [60_002, 65_535],
];

/** How many there are. */
export const privatePorts = free.reduce((sum, [first, last]) => sum + last - first + 1, 0);

/** One of them, counted from 0 and round again. */
export function privatePort(index: number): number {
  let rest = index % privatePorts;
  for (const [first, last] of free) {
    if (first + rest <= last) return first + rest;
    rest -= last - first + 1;
  }
  return free[0]![0];
}

/** The port of the protocol that is spoken at a path, 0 when that is not known. */
export function portOf(path: string): number {
  for (const { path: pattern, port } of known) {
    const found = pattern.exec(path);
    if (found !== null) return typeof port === "number" ? port : port(found);
  }
  return 0;
}
