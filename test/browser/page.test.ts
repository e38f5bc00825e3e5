import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MappedConnection } from "../../src/map/graph.ts";
import { pageOf } from "../../src/map/page.ts";
import { open } from "../harness/browser.ts";
import { PATIENCE } from "../harness/condition.ts";
import { ask, Hang } from "../harness/hang.ts";

setDefaultTimeout(2 * PATIENCE);

/** What is drawn, what a search for `word` leaves bright, and what a tap on a line tells. */
function look(word: string): string {
  return `(() => {
    const cy = window.ipcdumpMap;
    const places = cy.nodes(":childless").map((node) => node.position());
    const search = document.getElementById("search");
    search.value = ${JSON.stringify(word)};
    search.dispatchEvent(new Event("input"));
    const bright = cy.nodes(":childless").not(".dim").map((node) => node.data("label")).sort();
    cy.edges().not(".dim")[0]?.emit("tap");
    return {
      nodes: places.length,
      edges: cy.edges().length,
      apart: new Set(places.map(({ x, y }) => Math.round(x) + " " + Math.round(y))).size,
      bright,
      details: document.getElementById("details").textContent,
      canvases: document.querySelectorAll("#drawing canvas").length,
    };
  })()`;
}

describe("the page of a map, in a browser", () => {
  test("of the host", async () => {
    using hang = await Hang.start("reads");
    const { text } = await ask("map", "-f", "html", `${hang.ann}`, `${hang.bob}`);
    const { result, console } = await open(text, look(`ann ${hang.ann}`));
    expect(console).toEqual([]);
    expect(result).toMatchObject({ canvases: 3 });
    const { bright, details } = result as { bright: string[]; details: string };
    expect(bright).toEqual(expect.arrayContaining([`ann ${hang.ann}`, `bob ${hang.bob}`]));
    expect(details).toMatch(/ann \d+ - bob \d+|bob \d+ - ann \d+/);
  });

  test("of what was traced", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ipcdump-map-"));
    try {
      const recording = join(folder, "recording");
      const traced = await ask(
        ...["-q", "-t", "pipe", "-P", "sh,cat,wc", "-f", "pcapng", "-o", recording],
        ...["--", "sh", "-c", "echo one | cat | wc -c; exit 0"],
      );
      expect([traced.status, traced.text.trim()]).toEqual([0, "4"]);
      const page = join(folder, "page.html");
      expect((await ask("map", "-r", recording, "-f", "html", "-o", page)).status).toBe(0);
      expect((await ask("-q", "-r", recording, "--map", join(folder, "again.html"))).status).toBe(0);
      expect(readFileSync(join(folder, "again.html"), "utf8")).toBe(readFileSync(page, "utf8"));
      const { result, console } = await open(readFileSync(page, "utf8"), look("cat"));
      expect(console).toEqual([]);
      const { bright, details } = result as { bright: string[]; details: string };
      expect(bright.map((name) => name.replace(/\d+/, "N"))).toEqual(
        expect.arrayContaining(["cat N", "sh N", "wc N"]),
      );
      expect(details).toMatch(/\d+ to \d+: 1 events, 4 bytes/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("of 400 processes and 2,000 lines between them", async () => {
    const holder = (pid: number) => ({ pid, comm: `worker<${pid}>`, fds: [3] });
    const connections = Array.from({ length: 2000 }, (_, i): MappedConnection => {
      const from = 1_000_001 + (i % 400);
      const to = 1_000_001 + ((i + 1 + Math.floor(i / 400)) % 400);
      const side = { role: "end", inode: i, queued: 0 } as const;
      const sides = [
        { ...side, holders: [holder(from)] },
        { ...side, holders: [holder(to)] },
      ];
      return { kind: "unix-stream", number: i, name: `/run/${i}`, used: 0, room: 0, sides, blocked: [] };
    });
    const { result, console } = await open(pageOf(connections).join("\n"), look("/run/777"));
    expect(console).toEqual([]);
    expect(result).toMatchObject({ nodes: 400, edges: 2000, canvases: 3 });
    const { apart, bright, details } = result as { apart: number; bright: string[]; details: string };
    expect(apart).toBeGreaterThan(390);
    expect(bright).toEqual(["worker<1000378> 1000378", "worker<1000380> 1000380"]);
    expect(details).toContain("/run/777");
  });
});
