/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Flows: a connection as its two sockets see it, and who listens at a port. */
#ifndef FLOW_H
#define FLOW_H
#include "owner.h"
#include <bpf/bpf_endian.h>

#define IFF_LOOPBACK 8
/* of the loopback device, in every network namespace */
#define LOOPBACK_IFINDEX 1
#define FLOWS 65536

/* One direction of a connection, as its local socket sees it; ports in host order */
struct flow {
	u8 local[16];
	u8 remote[16];
	u32 net;
	u16 local_port;
	u16 remote_port;
};

/* Sockets that were seen in use, by their flow */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS);
	__type(key, struct flow);
	__type(value, u64);
} flows __weak SEC(".maps");

/* One end of a connection */
struct end {
	u8 address[16];
	u32 net;
	u16 port;
	u16 is_remote; /* of the socket that is found */
};

/* TCP sockets that were seen in use, by each of their ends: where NAT has made another one of the other */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS);
	__type(key, struct end);
	__type(value, u64);
} tcp_ends __weak SEC(".maps");

static __always_inline void end_of(const struct flow *flow, bool is_remote, struct end *end)
{
	__builtin_memcpy(end->address, is_remote ? flow->remote : flow->local, 16);
	end->net = flow->net;
	end->port = is_remote ? flow->remote_port : flow->local_port;
	end->is_remote = is_remote;
}

/* A port of a network namespace */
struct port {
	u32 net;
	u32 number;
};

/* Sockets that listen at a port, since tracing began */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct port);
	__type(value, u64);
} listeners __weak SEC(".maps");

static __always_inline void map_address(u8 into[16], u32 address)
{
	u32 *words = (u32 *)into;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = address;
}

static __always_inline void flow_of(struct sock *sk, struct flow *flow)
{
	flow->net = sock_net(sk);
	flow->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	/* given back when a connection is over, though there may be something to receive from it still */
	if (!flow->local_port)
		flow->local_port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	flow->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		map_address(flow->local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		map_address(flow->remote, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else {
		BPF_CORE_READ_INTO(&flow->local, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&flow->remote, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	}
}

static __always_inline void reverse(const struct flow *flow, struct flow *into)
{
	__builtin_memcpy(into->local, flow->remote, 16);
	__builtin_memcpy(into->remote, flow->local, 16);
	into->net = flow->net;
	into->local_port = flow->remote_port;
	into->remote_port = flow->local_port;
}

/* The same in place */
static __always_inline void turn(struct flow *flow)
{
	u64 *words = (u64 *)flow;
	u16 port = flow->local_port;

	for (u32 i = 0; i < 2; i++) {
		u64 word = words[i];

		words[i] = words[i + 2];
		words[i + 2] = word;
	}
	flow->local_port = flow->remote_port;
	flow->remote_port = port;
}

static __always_inline bool same_flow(const struct flow *a, const struct flow *b)
{
	const u64 *x = (const u64 *)a, *y = (const u64 *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3] && x[4] == y[4];
}

/* The same number for both ends of a TCP connection, as each sees the direction towards the other */
static __always_inline u64 channel_of(const struct flow *flow)
{
	const u32 *words = (const u32 *)flow;
	u32 high = 0, low = 1;

#pragma unroll
	for (u32 i = 0; i < sizeof(*flow) / sizeof(u32); i++) {
		high = mix(high, words[i]);
		low = mix(low + high, words[i]);
	}
	return (u64)high << 32 | low;
}

/* Whether what a socket sends goes over the loopback device, by its route, or that of its first subflow */
static __always_inline bool routed_to_loopback(struct sock *sk)
{
	struct net_device *device;

	if (bpf_core_type_exists(struct mptcp_sock) &&
	    BPF_CORE_READ(sk, sk_protocol) == IPPROTO_MPTCP)
		sk = BPF_CORE_READ((struct mptcp_sock *)sk, first);
	device = BPF_CORE_READ(sk, sk_dst_cache, dev);

	return device && (BPF_CORE_READ(device, flags) & IFF_LOOPBACK);
}

/* Whether it is known to go over another */
static __always_inline bool routed_elsewhere(struct sock *sk)
{
	struct net_device *device = BPF_CORE_READ(sk, sk_dst_cache, dev);

	return device && !(BPF_CORE_READ(device, flags) & IFF_LOOPBACK);
}

#endif
