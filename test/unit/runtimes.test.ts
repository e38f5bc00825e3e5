/** Names of containers and pods, asked of runtimes' sockets that answer as the real ones do. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { createServer as createSilent } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listByCri } from "../../src/name/cri.ts";
import { placeOf } from "../../src/name/place.ts";
import { type RuntimeSocket, Runtimes } from "../../src/name/runtimes.ts";

const folder = mkdtempSync(join(tmpdir(), "ipcdump-runtimes-"));
const servers: { close(): void }[] = [];
const uid = "12345678-9abc-def0-1234-56789abcdef0";
const idOf = (digit: string): string => digit.repeat(64);
const patience = 10_000;

afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A server that answers these paths with these objects, over HTTP. */
function http(name: string, list: string, answer: unknown): RuntimeSocket {
  const path = join(folder, name);
  const server = Bun.serve({
    unix: path,
    fetch: ({ url }) =>
      new URL(url).pathname === list ? Response.json(answer) : new Response("no such page", { status: 404 }),
  });
  servers.push({ close: () => void server.stop(true) });
  return { path, list };
}

/** A number as Protocol Buffers have it. */
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
/** A field: a text, or a message. */
function field(number: number, value: string | number[]): number[] {
  const bytes = typeof value === "string" ? [...Buffer.from(value)] : value;
  return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
}
const label = (number: number, key: string, value: string) =>
  field(number, [...field(1, key), ...field(2, value)]);

/** A server of CRI that knows this version only, with messages of numbers by path's last part. */
function cri(name: string, version: string, answers: Record<string, number[]>): Promise<RuntimeSocket> {
  const path = join(folder, name);
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    const asked = `${headers[":path"]}`;
    const body: number[] = [];
    stream.on("data", (part: Buffer) => body.push(...part));
    stream.on("end", () => {
      const [, service, call = ""] = asked.split("/");
      const answer = service === `runtime.${version}.RuntimeService` ? answers[call] : undefined;
      const type = { ":status": 200, "content-type": "application/grpc" };
      if (answer === undefined || body.join() !== "0,0,0,0,0") {
        stream.respond(
          { ...type, "grpc-status": "12", "grpc-message": "unknown service" },
          { endStream: true },
        );
        return;
      }
      stream.respond(type, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      const header = Buffer.alloc(5);
      header.writeUInt32BE(answer.length, 1);
      // in two pieces, as a long answer comes
      stream.write(Buffer.concat([header, Buffer.from(answer.slice(0, 7))]));
      stream.end(Buffer.from(answer.slice(7)));
    });
  });
  servers.push(server);
  return new Promise((resolve) => server.listen(path, () => resolve({ path })));
}

const criAnswers = {
  ListContainers: [
    ...field(1, [
      ...field(1, idOf("a")),
      ...field(2, idOf("c")),
      ...field(3, [...field(1, "server"), 2 * 8, 1]), // metadata, with a number
      ...[6 * 8, 1], // running
      ...[7 * 8, ...varint(1_795_893_926_000_000)],
      ...label(8, "io.kubernetes.pod.name", "web-7f9c"),
      ...label(8, "io.kubernetes.pod.uid", uid),
    ]),
    ...field(1, [...field(1, idOf("b")), ...field(3, field(1, "alone"))]),
  ],
  ListPodSandbox: field(1, [
    ...field(1, idOf("c")),
    ...field(2, [...field(1, "web-7f9c"), ...field(2, uid), ...field(3, "default")]),
  ]),
};
const criListed = [
  { id: idOf("a"), name: "server", pod: { uid, name: "web-7f9c" } },
  { id: idOf("b"), name: "alone", pod: null },
  { id: idOf("c"), name: null, pod: { uid, name: "web-7f9c" } },
];

test.each(["v1", "v1alpha2"])("a server of CRI %s", async (version) => {
  const { path } = await cri(`cri-${version}`, version, criAnswers);
  expect(await listByCri(path, patience)).toEqual(criListed);
});

test("a server of neither, one that is silent, and none", async () => {
  const other = await cri("other", "v2", criAnswers);
  expect(await listByCri(other.path, patience)).toEqual([]);
  const silent = createSilent(() => {});
  servers.push(silent);
  const path = join(folder, "silent");
  await new Promise<void>((resolve) => silent.listen(path, () => resolve()));
  await expect(listByCri(path, 50)).rejects.toThrow("no answer");
  await expect(listByCri(join(folder, "nobody"), patience)).rejects.toThrow();
});

test("each runtime's containers and pods get their names once they are asked for", async () => {
  const runtimes = new Runtimes([
    http("docker", "/containers/json", [
      {
        Id: idOf("d"),
        Names: ["/k8s_server_web"],
        Labels: { "io.kubernetes.pod.name": "web", "io.kubernetes.pod.uid": uid },
      },
      { Id: idOf("e"), Names: ["/plain"], Labels: {} },
    ]),
    http("podman", "/v4.0.0/libpod/containers/json", [
      { Id: idOf("f"), Names: ["cart"], Labels: null, Pod: idOf("9"), PodName: "shop" },
      { Id: idOf("0"), Names: ["web"], Labels: null, Pod: "", PodName: "" },
    ]),
    http("another", "/containers/json", { message: "no list" }),
    await cri("cri", "v1", criAnswers),
    { path: join(folder, "nobody") },
  ]);
  const cases: [cgroup: string, container: string | null, pod: string | null, podUid: string | null][] = [
    [`/kubepods/burstable/pod${uid}/${idOf("d")}`, "k8s_server_web", "web", uid],
    [`/docker/${idOf("e")}`, "plain", null, null],
    [`/machine.slice/libpod-${idOf("f")}.scope`, "cart", "shop", idOf("9")],
    [`/libpod_parent/libpod-${idOf("0")}`, "web", null, null],
    [`/kubepods/pod${uid}/${idOf("a")}`, "server", "web-7f9c", uid],
    [`/kubepods/pod${uid}/${idOf("c")}`, null, "web-7f9c", uid],
    [`/docker/${idOf("1")}`, null, null, null],
  ];
  const places = cases.map(([cgroup]) => placeOf(cgroup));
  // nothing waits for an answer
  expect(places.map((place) => runtimes.name(place))).toEqual(places.map(() => false));
  expect(places.map(({ container }) => container?.name)).toEqual(places.map(() => null));
  await runtimes.ask();
  const named = new Set<number>();
  const wanted = cases.flatMap(([, container, pod], i) => (container === null && pod === null ? [] : [i]));
  const deadline = performance.now() + patience;
  for (; named.size < wanted.length && performance.now() < deadline; await Bun.sleep(5)) {
    for (const [i, place] of places.entries()) if (runtimes.name(place)) named.add(i);
  }
  expect([...named].sort()).toEqual(wanted);
  for (const [i, [, container, pod, podUid]] of cases.entries()) {
    const place = places[i]!;
    expect([place.container?.name, place.pod?.name ?? null, place.pod?.uid ?? null]).toEqual([
      container,
      pod,
      podUid,
    ]);
    expect(runtimes.name(place)).toBe(false);
  }
});
