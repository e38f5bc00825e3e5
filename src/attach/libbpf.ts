/** Which libbpf: the one of the user's choice, else the one that came with the executable. */
import { closeSync, openSync, readFileSync } from "node:fs";
import libbpfFile from "#dist/libbpf.so" with { type: "file" };
import { damage } from "../../ffi/elf.ts";
import { describe, NativeError } from "../../ffi/error.ts";
import { distrust, type Libbpf, openLibbpf, openLibbpfFromMemory } from "../../ffi/libbpf.ts";
import { geteuid } from "../../ffi/libc.ts";
import { printable } from "../bytes/escape.ts";
import { Failure } from "../failure.ts";

/** Set by the build (`--define`) for dist/ipcdump-static, whose loader has libbpf inside and knows it by this name. */
declare const LINKED_LIBBPF: string | undefined;

/** Whether this is dist/ipcdump-static. */
export const isStatic = typeof LINKED_LIBBPF === "string";

/** @throws Failure when IPCDUMP_LIBBPF names a file that can't be used */
export function libbpf(): Libbpf {
  const path = process.env.IPCDUMP_LIBBPF;
  if (path === undefined || path === "") return bundled();
  let reason: string | null;
  try {
    const fd = openSync(path, "r");
    try {
      // the file that was looked at is loaded, even when another one has that path by then
      reason = distrust(fd, geteuid()) ?? damage(readFileSync(fd));
      if (reason === null) return openLibbpf(`/proc/self/fd/${fd}`);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    // the loader's own words come without a number
    const { errno = 0, message } = error as NodeJS.ErrnoException;
    reason = errno === 0 || error instanceof NativeError ? message : describe(errno);
  }
  throw new Failure(
    `IPCDUMP_LIBBPF=${printable(path)} is not used: ${reason}\nUnset it to use the bundled libbpf.`,
  );
}

function bundled(): Libbpf {
  if (typeof LINKED_LIBBPF === "string") return openLibbpf(LINKED_LIBBPF);
  return openLibbpfFromMemory(readFileSync(libbpfFile));
}
