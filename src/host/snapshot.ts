/** Everything that processes can communicate by, as it is at one moment: what the kernel's iterator over open files says. */
import { readFileSync } from "node:fs";
import objectFile from "#dist/ipcdump.bpf.o" with { type: "file" };
import { Kretprobes } from "../../ffi/kretprobes.ts";
import { BpfObject } from "../../ffi/object.ts";
import { libbpf } from "../attach/libbpf.ts";
import { Config } from "../layout.ts";
import { log } from "../log.ts";
import { type Descriptor, descriptorsBy } from "../proc/descriptors.ts";
import { pidNamespace } from "../proc/processes.ts";

const hook = "descriptors_open";

/** @throws NativeError where this kernel has no such iterator (before 5.8), or without privileges */
export function openDescriptors(): Descriptor[] {
  const library = libbpf();
  using object = BpfObject.open(
    library,
    readFileSync(objectFile),
    { perf: false, session: false },
    new Kretprobes(() => 0, null),
    null,
  );
  const program = object.programs.find((one) => one.hook === hook)!;
  program.enable(true);
  new Config(object.map(".rodata.config").words(Config.size)).pidNamespace = pidNamespace();
  object.map("ring").maxEntries = 1 << 16;
  object.load();
  using link = program.attach([]);
  const found = descriptorsBy(link);
  log.debug(`${found.length} open files looked at`);
  return found;
}
