/** The kernel's own types (BTF), as bytes. */
import { accessSync, closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { Errno, NativeError } from "./error.ts";
import { Mapping, PROT_READ } from "./libc.ts";

export const kernelTypes = "/sys/kernel/btf/vmlinux";

/** Why they can't be read: an errno, or 0 when they can. */
export function typesError(): number {
  try {
    accessSync(kernelTypes, constants.R_OK);
    return 0;
  } catch (error) {
    return -((error as NodeJS.ErrnoException).errno ?? -Errno.ENOENT);
  }
}

/** Whether these bytes are among them; false where there are none. */
export function typesContain(text: string): boolean {
  let fd: number;
  try {
    fd = openSync(kernelTypes, "r");
  } catch {
    return false;
  }
  try {
    // since 6.16 they can be mapped; sysfs is read a page at a time, which takes ten times as long
    using mapping = new Mapping(fd, fstatSync(fd).size, PROT_READ, 0, kernelTypes, true);
    return Buffer.from(mapping.buffer).includes(text);
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    return readFileSync(fd).includes(text);
  } finally {
    closeSync(fd);
  }
}
