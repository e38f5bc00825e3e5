/** Users that are asked for by name have to be here, or nothing would ever pass. */
import { printable } from "../bytes/escape.ts";
import { UsageError } from "../failure.ts";
import type { Wanted } from "../filter/wanted.ts";
import { Users } from "../name/users.ts";

/** @throws UsageError for a name that /etc/passwd does not have */
export function checkUsers(wanted: Wanted): void {
  const users = new Users();
  const asked = [
    ["user", wanted.describedEither],
    ["src-user", wanted.describedSource],
    ["dst-user", wanted.describedDestination],
    ["not-user", wanted.describedExcluded],
  ] as const;
  for (const [flag, { user }] of asked) {
    const unknown = user.find((name) => !/^\d+$/.test(name) && users.uidOf(name) === null);
    if (unknown !== undefined)
      throw new UsageError(`--${flag} ${printable(unknown)}: /etc/passwd has no such user; give the uid`);
  }
}
