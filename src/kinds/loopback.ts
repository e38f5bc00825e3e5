import type { Channel, Channels } from "../../ffi/channel.ts";
import type { Kind as KindName } from "../event.ts";
import { Kind, LoopbackRecord } from "../layout.ts";
import { inetFunctions, withoutInetFunctions } from "./functions.ts";
import { blindByCalls, socketHooks, withinCalls, withoutSocketHooks } from "./hooks.ts";
import { InetReader } from "./inet.ts";
import { type KindModule, through } from "./kind.ts";

function loopbackKind(
  name: KindName,
  aliases: readonly string[],
  shows: string,
  id: number,
  protocol: "tcp" | "udp",
  open: (channels: Channels) => Channel,
): KindModule {
  return {
    name,
    aliases,
    group: ["loopback", "lo"],
    shows,
    carries: name === "loopback-tcp" ? "stream" : "messages",
    id,
    size: LoopbackRecord.size,
    hooks: {
      ...socketHooks,
      ...inetFunctions,
      loopback_fail: ["udp_fail_queue_rcv_skb"],
      loopback_ready: ["sk_data_ready", "sock_def_readable"],
    },
    optional: {
      loopback_ready: null,
      ...withoutSocketHooks,
      ...withoutInetFunctions,
    },
    within: withinCalls,
    blind: blindByCalls,
    reader: (tools) => new InetReader(tools, protocol),
    trial: (channels) => through(open(channels)),
  };
}

export const kinds: readonly KindModule[] = [
  loopbackKind(
    "loopback-tcp",
    ["lt"],
    "bytes sent over TCP within this host",
    Kind.KIND_LOOPBACK_TCP,
    "tcp",
    (channels) => channels.loopbackTcp(),
  ),
  loopbackKind(
    "loopback-udp",
    ["lu"],
    "a datagram that a socket of this host receives",
    Kind.KIND_LOOPBACK_UDP,
    "udp",
    (channels) => channels.loopbackUdp(),
  ),
];
