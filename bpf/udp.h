/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Datagrams sent: each to the sockets it was queued at during the call, else by its address, for user space to find. */
#ifndef UDP_H
#define UDP_H
#include "udp_delivery.h"
#include "inet_send.h"

/* Bytes of a datagram that is still being put together (MSG_MORE, UDP_CORK), by socket */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u32);
} corked SEC(".maps");

/* The destination of a datagram: what the call says, else what the socket is connected to */
static __always_inline void address_datagram(struct inet_send *send)
{
	struct flow *flow = &send->flow;
	u8 *name = send->sockaddr;
	u16 *words = (u16 *)name;

	if (!send->message.name)
		return;
	if (send->message.name_copied)
		bpf_probe_read_kernel(name, sizeof(send->sockaddr), (void *)send->message.name);
	else if (bpf_probe_read_user(name, sizeof(send->sockaddr), (void *)send->message.name))
		/* it may end at the end of memory */
		bpf_probe_read_user(name, 16, (void *)send->message.name);
	if (words[0] == AF_INET)
		map_address(flow->remote, *(u32 *)(name + 4));
	else if (words[0] == AF_INET6)
		__builtin_memcpy(flow->remote, name + 8, 16);
	else
		return;
	flow->remote_port = bpf_ntohs(words[1]);
}

/* Whether a socket gets datagrams for a port */
static __always_inline bool receives_port(struct sock *sk, u32 net, u16 port)
{
	return BPF_CORE_READ(sk, __sk_common.skc_num) == port && sock_net(sk) == net;
}

/* Whether any socket that the current call's datagram may have come to gets datagrams for the port it was sent to */
__noinline int reaches_port(u32 net, u32 port)
{
	struct in_call *in_call = find_this_call(false);

	if (!in_call || !has_traced(FAMILY_LOOPBACK))
		return 0;
	for (u32 n = 0; n < DELIVERIES; n++) {
		barrier();
		if (n >= in_call->count)
			break;
		if (receives_port((void *)in_call->socks[n & (DELIVERIES - 1)], net, port))
			return 1;
	}
	return 0;
}

/*
 * Whether what came to a receiver once more is a segment of the same datagram (UDP_SEGMENT). Else somebody else's
 * sent from the same port, which came within this call, is its
 */
static __always_inline bool is_segment(struct inet_send *send, u32 length)
{
	struct udp_sock *sender = (void *)send->message.sk;

	if (!send->message.control && !BPF_CORE_READ(sender, gso_size))
		return false;
	if (length == UNSEEN)
		return send->covered < send->message.count;
	if (length >= send->message.count || send->covered + length > send->message.count)
		return false;
	send->covered += length;
	return true;
}

/* Reports the n-th receiver of the current call's datagram; 0: it is another's, -1: there are no more */
__noinline int on_udp_in_call(u32 n)
{
	u32 via_uring = false;
	struct inet_send *send = bpf_map_lookup_elem(&inet_sends, &via_uring);
	struct in_call *in_call = find_this_call(false);
	u32 count, length;
	u64 other;

	if (!send || !in_call || n >= in_call->count || n >= DELIVERIES)
		return -1;
	barrier_var(n);
	other = in_call->socks[n & (DELIVERIES - 1)];
	length = in_call->lengths[n & (DELIVERIES - 1)];
	/* each receiver is one event, of however many segments */
	if ((send->last == other || send->first == other) && is_segment(send, length))
		return 0;
	/* one that was read before it could be looked at may be anybody's; NAT changes the port of all */
	if (send->last == other || send->first == other ||
	    ((!in_call->header.src_port || send->direct) &&
	     !receives_port((void *)other, send->flow.net, send->flow.remote_port))) {
		report_deferred(other, DATAGRAM_UNKNOWN);
		return 0;
	}
	if (!send->first)
		send->first = other;
	send->last = other;
	send->other = other;
	send->covered = length == UNSEEN ? 0 : length;
	count = send->message.count;
	if (length < count && BPF_CORE_READ((struct sock *)other, sk_filter))
		send->message.count = length;
	if (locate_inet_send(false))
		name_destination(other, false);
	report_inet_send(false);
	send->message.count = count;
	return 1;
}

/*
 * What the receiver sees: the source is what recvfrom will say, as the socket may be bound to no address or the call
 * may have chosen one (IP_PKTINFO); what else differs is NAT's doing.
 */
static __always_inline void compare_with_header(struct inet_send *send, const struct header *header)
{
	struct flow *flow = &send->flow;
	struct nat_key key = {
		.net = flow->net, .port = flow->local_port, .seen = flow->remote_port};
	u16 port = header->dst_port;

	if (header->src_port == flow->local_port)
		__builtin_memcpy(flow->local, header->src_address, 16);
	else
		note_nat(send, header->src_address, header->src_port);
	if (unspecified(flow->remote))
		__builtin_memcpy(flow->remote, header->dst_address, 16);
	if (port == flow->remote_port && same_address(header->dst_address, flow->remote))
		return;
	note_nat(send, header->dst_address, port);
	bpf_map_update_elem(&nat_ports, &key, &port, BPF_ANY);
}

/*
 * A datagram that left, in a call of its own or not; `uncorked`: if there was one held back, and nothing else. true: to
 * be reported, by its address
 */
static __always_inline bool send_udp(struct sock *sk, struct inet_send *send, bool single,
				     bool uncorked)
{
	struct in_call *in_call = find_this_call(false);
	u64 key = (u64)sk;
	u32 *before, found = 0;

	if (!traces(KIND_LOOPBACK_UDP))
		return false;
	send->kind = KIND_LOOPBACK_UDP;
	before = bpf_map_lookup_elem(&corked, &key);
	if (BPF_CORE_READ((struct udp_sock *)sk, pending)) {
		u32 sum = send->message.count + (before ? *before : 0);

		bpf_map_update_elem(&corked, &key, &sum, BPF_ANY);
		return false;
	}
	if (before) {
		/* the first part of it is gone */
		send->message.count += *before;
		send->message.iov.kind = IOV_NONE;
		bpf_map_delete_elem(&corked, &key);
	} else if (uncorked) {
		return false;
	}
	flow_of(sk, &send->flow);
	address_datagram(send);
	if (!send->flow.remote_port)
		return false;
	if (single && in_call)
		send->direct = reaches_port(send->flow.net, send->flow.remote_port);
	if (single && in_call && in_call->header.src_port &&
	    (!send->direct || in_call->header.dst_port == send->flow.remote_port))
		compare_with_header(send, &in_call->header);
	else if (unspecified(send->flow.local)) {
		/* what the local routing table gives: the address itself, 127.0.0.1 for 127.0.0.0/8 */
		__builtin_memcpy(send->flow.local, send->flow.remote, 16);
		if (send->flow.remote[10] == 0xff && send->flow.remote[12] == 127)
			map_address(send->flow.local, bpf_htonl(0x7f000001));
	}
	for (u32 i = 0; single && i < DELIVERIES; i++) {
		int result = on_udp_in_call(i);

		if (result < 0)
			break;
		found += result;
	}
	if (found)
		return false;
	if (in_call && in_call->failed) {
		in_call->failed--;
		return false;
	}
	if (routed_elsewhere(sk))
		return false;
	send->flags = SEND_TO_ADDRESS;
	if (!config.deliveries)
		send->sender = key;
	return true;
}

#endif
