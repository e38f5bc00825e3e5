/** A line about what is unread. */
import { processText } from "../bytes/escape.ts";
import type { End } from "../event.ts";

/** A pipe or a direction of a stream with bytes in it. */
export interface Unread {
  kind: "pipe" | "unix-stream" | "loopback-tcp";
  /** of the pipe, or of the socket that receives */
  inode: number;
  /** `<anonymous>`, a path, or addresses */
  name: string;
  /** of TCP; 0 of others */
  ports: readonly [number, number];
  bytes: number;
  from: readonly End[];
  readers: readonly End[];
}

/** `unread: pipe 789 <anonymous>: 65536 bytes from 123(producer), readers: 456(consumer)` */
export function lineOf({ kind, inode, name, bytes, from, readers }: Unread): string {
  const list = (ends: readonly End[], none: string) => (ends.length === 0 ? none : ends.map(said).join(", "));
  return `unread: ${kind} ${inode} ${name}: ${bytes} bytes from ${list(from, "-1(<unknown>)")}, readers: ${list(readers, "nobody")}`;
}

function said({ pid, comm, guess }: End): string {
  return processText(pid, comm) + (guess ? " (guess)" : "");
}
