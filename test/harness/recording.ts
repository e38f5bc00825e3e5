import { join } from "node:path";
import { BACKEND, Ipcdump } from "./ipcdump.ts";

export const requests = 12;
export const longBody = 200_000;
/** of the answers' bodies, one of them longer than a packet */
export const lengths = Array.from({ length: requests }, (_, n) => (n === 3 ? longBody : 20 + n));

/** An HTTP server on a unix socket, its client, a shell with a pipe, and a signal; all of them one command. */
const workload = `
  exec 2>&1
  bun -e '
    const lengths = JSON.parse(process.env.LENGTHS);
    const server = Bun.serve({ unix: process.env.SOCKET, fetch: (request) => {
      const at = Number(new URL(request.url).searchParams.get("n"));
      if (at === lengths.length - 1) setTimeout(() => server.stop(), 0);
      return new Response("answer ".repeat(lengths[at]).slice(0, lengths[at]));
    } });
    console.log("listens");
  ' | { read line; bun -e '
    const count = JSON.parse(process.env.LENGTHS).length;
    for (let n = 0; n < count; n++) {
      await (await fetch("http://localhost/containers?n=" + n, { unix: process.env.SOCKET })).text();
    }
  '; }
  printf 'sixteen bytes ..' | cat > /dev/null
  sleep 60 & while read name < /proc/$!/comm && [ "$name" != sleep ]; do :; done
  kill -TERM $!; wait`;

interface Paths {
  /** for what both need meanwhile */
  folder: string;
  /** the recording */
  file: string;
  /** the server's socket */
  server: string;
}

/** Traces one run of it twice, into a recording and as the lines that it returns. */
export async function record({ folder, file, server }: Paths): Promise<string[]> {
  const gate = join(folder, "gate");
  Bun.spawnSync(["mkfifo", gate]);
  const common = ["--backend", BACKEND, "-t", "pipe,signal,unix-stream"];
  const bun = join(import.meta.dir, "../../node_modules/.bin");
  const env = {
    ...(process.env as Record<string, string>),
    PATH: `${bun}:${process.env.PATH}`,
    SOCKET: server,
    LENGTHS: JSON.stringify(lengths),
  };
  const shell = Bun.spawn(["sh", "-c", `read go < ${gate}; ${workload}`], {
    stdio: ["ignore", "ignore", "inherit"],
    env,
  });
  const wanted = [...common, "-p", `${shell.pid}`, "--follow"];
  const shown = await Ipcdump.tracing([...wanted, "-f", "json", "-x"]);
  const recorded = await Ipcdump.tracing([...wanted, "-f", "pcapng", "-o", file]);
  Bun.spawnSync(["sh", "-c", `echo go > ${gate}`]);
  await shell.exited;
  for (const one of [shown, recorded]) {
    process.kill(one.pid, "SIGINT");
    const status = await one.ended();
    if (status !== 0) throw new Error(`ended with ${status}\n${one.transcript()}`);
  }
  if (shown.stdout.length <= 2 * requests) throw new Error(`too few lines\n${shown.transcript()}`);
  return shown.stdout;
}
