import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { build, type Container, run as contain, type Image, parseRun } from "../harness/engine.ts";
import { expectMoved } from "../harness/expect.ts";
import { Ipcdump, STATIC } from "../harness/ipcdump.ts";
import { Trace } from "../harness/trace.ts";
import { run } from "../harness/workload.ts";

// the root of Debian may have to be fetched
setDefaultTimeout(5 * PATIENCE);

const PROJECT = join(import.meta.dir, "../..");
const page = readFileSync(join(PROJECT, "docs/containers.md"), "utf8").replace(/\\\n */g, "");
/** The commands that docs/containers.md tells. */
const told = [...page.matchAll(/^docker run .*$/gm)].map(([line]) => parseRun(line.replace(/ #.*/, "")));
const [first] = told;

let folder: string;
const images = new Map<string, Image>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-container-"));
  for (const [name, file] of [
    ["ipcdump", "Dockerfile"],
    ["ipcdump:debian", "Dockerfile.debian"],
  ] as const) {
    images.set(name, await build(join(PROJECT, "container", file), dirname(STATIC), join(folder, file)));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function command(image: string, container: Container): Promise<string[]> {
  return contain(images.get(image)!, container);
}

/** Traces a pipe on the host and compares the events, names and pids and all. */
async function traces(command: string[], kinds = "pipe"): Promise<void> {
  const trace = await Trace.startBy(command, kinds);
  await expectMoved(trace, await run("pipe", "runs"));
  await trace.stop();
}

describe("container", () => {
  test("docs/containers.md tells how to run each image", () => {
    expect(new Set(told.map(({ image }) => image))).toEqual(new Set(images.keys()));
  });

  for (const image of ["ipcdump", "ipcdump:debian"]) {
    test(`${image}, as docs/containers.md has it`, async () => {
      const { container } = told.find((each) => each.image === image)!;
      await traces(await command(image, container), "pipe,unix-stream,pty");
    });
  }

  test("without DAC_READ_SEARCH and /sys/kernel/tracing pipes and signals need no more", async () => {
    const capabilities = first!.container.capabilities.filter((name) => name !== "DAC_READ_SEARCH");
    await traces(await command("ipcdump", { ...first!.container, capabilities, volumes: [] }));
  });

  test.each(["BPF", "PERFMON"])("without %s it says so", async (missing) => {
    const capabilities = first!.container.capabilities.filter((name) => name !== missing);
    const words = await command("ipcdump", { ...first!.container, capabilities });
    using ipcdump = new Ipcdump(["-t", "pipe"], { command: words });
    expect(await ipcdump.ended()).toBe(1);
    expect(ipcdump.stderr).toEqual([
      `ipcdump: tracing needs CAP_${missing} as well; try: sudo ipcdump -t pipe`,
    ]);
  });

  test("kubectl debug: a profile with the same capabilities, in the pids of a pod", async () => {
    const { securityContext } = JSON.parse(readFileSync(join(PROJECT, "container/debug.json"), "utf8"));
    expect(securityContext.capabilities).toEqual({ drop: ["ALL"], add: first!.container.capabilities });
    const container = { ...first!.container, isHostPid: false, volumes: [] };
    const words = await command("ipcdump", container);
    using ipcdump = await Ipcdump.tracing(["-t", "pipe", "-f", "json", "--all-ns"], { command: words });
    const truth = await run("pipe", "one");
    const event = await ipcdump.until("the event", () =>
      ipcdump.stdout
        .map((line) => JSON.parse(line))
        .find(({ meta }) => meta?.pipe_inode === [...truth.pipes.values()][0]?.inode),
    );
    expect(event).toMatchObject({ src_comm: "writer", dst_comm: "reader", src_pid: -1, dst_pid: -1 });
  });
});
