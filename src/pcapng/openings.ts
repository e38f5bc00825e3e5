/** How a conversation opens, where Wireshark's dissector can't tell it by itself. */
import type { Contents } from "../event.ts";
import type { Direction } from "./packet.ts";

const little = 0x6c; // l
const big = 0x42; // B
const mostTypes = 4;
const dbusVersion = 1;
/** of MySQL's protocol, which a server's first packet begins with, behind three bytes of length and one of sequence */
const mysqlVersion = 10;

/** The direction that bytes go in: aside until the first message, where a dissector takes nothing but messages. */
export function directionNow(direction: Direction, contents: Contents | null): Direction {
  if (direction.prelude === null) return direction;
  if (!isDbusMessage(contents)) return direction.prelude;
  direction.prelude = null;
  return direction;
}

/** Whether a message of D-Bus begins here. The handshake before the first one is lines of text. */
function isDbusMessage(contents: Contents | null): boolean {
  if (contents === null || contents.length < 4) return false;
  const { bytes, start } = contents;
  const type = bytes[start + 1]!;
  return (
    (bytes[start] === little || bytes[start] === big) &&
    type > 0 &&
    type <= mostTypes &&
    bytes[start + 3] === dbusVersion
  );
}

/** Whether a server of MySQL says this: it greets each client, and numbers answers on from the question. */
export function isMysqlAnswer(contents: Contents | null): boolean {
  if (contents === null || contents.length < 5) return false;
  const { bytes, start } = contents;
  return bytes[start + 3] !== 0 || bytes[start + 4] === mysqlVersion;
}
