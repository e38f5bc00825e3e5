/** All sockets and sides of terminals that processes have open, as the kernel's iterator over open files says. */

import { whole } from "../../ffi/halves.ts";
import type { Link } from "../../ffi/program.ts";
import { HolderRecord } from "../layout.ts";

/** Hears of an open socket by its inode, or (inode 0) of a terminal's master by its number, of its slave by ~number. */
export type Take = (pid: number, inode: number, index: number) => void;

/** Runs through all of them. @throws Error when the kernel does not let it, or not to the end */
export type Listing = (take: Take) => void;

/** @param link the program `holders`, attached for as long as this is asked */
export function listingOf(link: Link): Listing {
  return (take) =>
    link.eachRecord(HolderRecord, (record) => {
      take(record.tgid, whole(record.inodeLow, record.inodeHigh), record.index | 0);
    });
}
