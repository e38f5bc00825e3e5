/** Our link in the folder where Wireshark looks for programs that capture. */
import { lstatSync, mkdirSync, readlinkSync, type Stats, statSync, symlinkSync, unlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { isStatic } from "../attach/libbpf.ts";
import { printable } from "../bytes/escape.ts";
import { Failure } from "../failure.ts";
import { folderOfExtcap } from "./folder.ts";

const name = "ipcdump";
const capabilities = "cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search+ep";

/** Makes the link; what there is to know then. @throws Failure */
export function install(folder: string | null): string {
  const executable = process.execPath;
  const link = placeOf(folder);
  if (look(link) === null) {
    attempt(`cannot make ${printable(link)}`, () => {
      mkdirSync(join(link, ".."), { recursive: true });
      symlinkSync(executable, link);
    });
  } else if (!isOwn(link)) {
    throw new Failure(
      `${printable(link)} is there already, and is no link to ${printable(executable)}\nMove it away first.`,
    );
  }
  return [
    `${printable(link)} is a link to ${printable(executable)}`,
    "Wireshark has it among its interfaces, after its next start: Interprocess communication",
    "",
    "Wireshark runs as an ordinary user, who has to be given the right to trace. As root, for a group:",
    ...right(executable),
    "Everyone in that group sees what everybody says. They log in anew first.",
    "",
  ].join("\n");
}

/** Takes the link away. @throws Failure when there is none of ours */
export function remove(folder: string | null): string {
  const link = placeOf(folder);
  if (look(link) === null) throw new Failure(`there is no ${printable(link)}`);
  if (!isOwn(link))
    throw new Failure(`${printable(link)} stays: it is no link to ${printable(process.execPath)}`);
  attempt(`cannot remove ${printable(link)}`, () => unlinkSync(link));
  return `${printable(link)} is gone\n`;
}

/** The lines that let a group trace. Only the static file may have capabilities of its own. */
function right(executable: string): string[] {
  const file = isStatic ? executable : "/usr/local/bin/ipcdump";
  const quoted = `'${file.replaceAll("'", "'\\''")}'`;
  return [
    ...(isStatic
      ? []
      : [`  install ipcdump-static ${quoted}  # this file must never have capabilities, that one may`]),
    "  groupadd --system ipcdump; usermod --append --groups ipcdump USER",
    `  chgrp ipcdump ${quoted}; chmod 750 ${quoted}`,
    `  setcap ${capabilities} ${quoted}`,
    ...(isStatic ? [] : [`  ${quoted} extcap --install  # and this link away: ipcdump extcap --remove`]),
  ];
}

function placeOf(folder: string | null): string {
  return join(folder === null ? folderOfExtcap() : resolve(folder), name);
}

/** Whether it leads to this executable, or did before that moved. */
function isOwn(link: string): boolean {
  if (look(link)?.isSymbolicLink() !== true) return false;
  if (readlinkSync(link) === process.execPath) return true;
  try {
    const [there, here] = [statSync(link), statSync(process.execPath)];
    return there.dev === here.dev && there.ino === here.ino;
  } catch {
    return false;
  }
}

function look(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

function attempt(what: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    const remedy = code === "EACCES" ? "; try sudo, or name a folder of yours" : "";
    throw new Failure(`${what}: ${code}${remedy}`);
  }
}
