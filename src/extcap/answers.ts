/** What Wireshark is told: sentences of `name {key=value}…`, one a line. */
import manifest from "../../package.json" with { type: "json" };
import { kinds } from "../kinds/index.ts";
import { linkType } from "../pcapng/block.ts";
import { interfaceName, type Setting, settings } from "./call.ts";

const help = "https://www.wireshark.org/docs/man-pages/extcap.html";

export function interfaces(): string {
  return (
    sentence("extcap", {
      version: manifest.version,
      help,
      display: "ipcdump",
    }) +
    sentence("interface", {
      value: interfaceName,
      display: "Interprocess communication",
    })
  );
}

export function dlts(): string {
  return sentence("dlt", {
    number: `${linkType}`,
    name: "RAW",
    display: "IPC as IP",
  });
}

/** The settings of its dialog, every kind with a box of its own. */
export function config(): string {
  const lines: string[] = [];
  Object.entries<Setting>(settings).forEach(([name, { type, display, tooltip, default: value }], number) => {
    lines.push(
      sentence("arg", {
        number: `${number}`,
        call: `--${name}`,
        display,
        type,
        tooltip,
        ...(value === undefined ? {} : { default: value }),
      }),
    );
    if (name !== "kinds") return;
    for (const kind of kinds)
      lines.push(
        sentence("value", {
          arg: `${number}`,
          value: kind.name,
          display: kind.name,
          default: "true",
        }),
      );
  });
  return lines.join("");
}

function sentence(what: string, values: Readonly<Record<string, string>>): string {
  const all = Object.entries(values).map(([key, value]) => `{${key}=${value}}`);
  return `${what} ${all.join("")}\n`;
}
