import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a page has made of itself. */
export interface Opened {
  /** what `script` gave */
  result: unknown;
  /** lines that the page's own scripts wrote to the console, errors and warnings too */
  console: string[];
}

/** Opens a page in a headless browser; `script`, an expression, is run in it as soon as it has drawn. */
export async function open(page: string, script: string): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), "ipcdump-page-"));
  try {
    const file = join(folder, "page.html");
    const last = `<script>document.body.dataset.result = JSON.stringify(${script});</script>`;
    writeFileSync(file, page.replace("</html>", `${last}</html>`));
    const browser = Bun.spawn(
      [
        ...["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        ...[
          "--enable-logging=stderr",
          `--user-data-dir=${join(folder, "profile")}`,
          "--window-size=1200,800",
        ],
        ...["--virtual-time-budget=20000", "--dump-dom", `file://${file}`],
      ],
      { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    );
    const [dom, errors] = await Promise.all([browser.stdout.text(), browser.stderr.text()]);
    const status = await browser.exited;
    const text = /data-result="([^"]*)"/.exec(dom)?.[1];
    if (text === undefined) throw new Error(`chromium ended with ${status} and no result\n${errors}`);
    const unescaped = text.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">");
    return {
      result: JSON.parse(unescaped.replaceAll("&amp;", "&")),
      console: errors.split("\n").filter((line) => line.includes(":CONSOLE")),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
