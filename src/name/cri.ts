/** Containers and pods as a server of Kubernetes' CRI lists them: two gRPC calls over HTTP/2, by the server's socket. */
import type { ClientHttp2Session } from "node:http2";
import { connect as connectSocket } from "node:net";
import { Fields } from "./protobuf.ts";

/** What a runtime tells of a container. */
export interface GivenNames {
  readonly id: string;
  /** null: it has none, as the one that holds a pod's namespaces */
  readonly name: string | null;
  readonly pod: { readonly uid: string; readonly name: string } | null;
}

/** the interface of today, and that of containerd before 1.6 */
const services = ["runtime.v1.RuntimeService", "runtime.v1alpha2.RuntimeService"] as const;
const podName = "io.kubernetes.pod.name";
const podUid = "io.kubernetes.pod.uid";
/** a message of no bytes: not compressed, of length 0 */
const emptyMessage = new Uint8Array(5);
const headerLength = 5;
const mostBytes = 64 * 1024 * 1024;

/** All containers and sandboxes. @param patience ms @throws Error when the server is none, or does not answer */
export async function listByCri(path: string, patience: number): Promise<GivenNames[]> {
  const { connect } = await import("node:http2");
  const session = connect("http://localhost", { createConnection: () => connectSocket(path) });
  const failed = new Promise<never>((_, reject) => {
    session.on("error", reject);
    setTimeout(() => reject(new Error("no answer")), patience).unref();
  });
  failed.catch(() => {}); // it may fail when nobody waits for it any more
  try {
    return await Promise.race([failed, list(session)]);
  } finally {
    session.destroy();
  }
}

async function list(session: ClientHttp2Session): Promise<GivenNames[]> {
  for (const service of services) {
    const containers = await call(session, `/${service}/ListContainers`);
    const sandboxes = await call(session, `/${service}/ListPodSandbox`);
    if (containers === null || sandboxes === null) continue;
    return [...containers.messages(1).map(containerOf), ...sandboxes.messages(1).map(sandboxOf)];
  }
  return [];
}

/** The answer; null where the server does not know the call. */
function call(session: ClientHttp2Session, path: string): Promise<Fields | null> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const parts: Buffer[] = [];
    let length = 0;
    stream.on("data", (part: Buffer) => {
      length += part.length;
      if (length > mostBytes) reject(new Error("too long an answer"));
      else parts.push(part);
    });
    stream.on("error", reject);
    stream.on("end", () => {
      const answer = Buffer.concat(parts);
      resolve(answer.length < headerLength ? null : new Fields(answer.subarray(headerLength)));
    });
    stream.end(emptyMessage);
  });
}

function containerOf(container: Fields): GivenNames {
  const labels = container.texts(8);
  const [pod, uid] = [labels.get(podName), labels.get(podUid)];
  return {
    id: container.text(1),
    name: container.message(3)?.text(1) ?? null,
    pod: pod === undefined || uid === undefined ? null : { uid, name: pod },
  };
}

function sandboxOf(sandbox: Fields): GivenNames {
  const metadata = sandbox.message(2);
  const pod = metadata === null ? null : { uid: metadata.text(2), name: metadata.text(1) };
  return { id: sandbox.text(1), name: null, pod };
}
