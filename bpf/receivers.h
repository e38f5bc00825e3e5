/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Who receives a datagram, on kernels where its delivery can't be hooked (before 6.3, without fentry and
 * kprobes): the sender's side looks it up where the kernel does, in its table of UDP sockets.
 */
#ifndef RECEIVERS_H
#define RECEIVERS_H
#include "reach.h"

#define TCP_ESTABLISHED 1
#define SOCKETS_OF_SLOT 256
/* Above all that compute_score() of the kernel gives */
#define SCORE_OF_ADDRESS 64

/* How well a socket fits, as compute_score() has it; 0: it does not */
__noinline int score_of(u64 sock, u32 via_uring)
{
	struct receiver_search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
	struct sock *sk = (void *)sock;
	bool v4 = BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET;
	int device = BPF_CORE_READ(sk, __sk_common.skc_bound_dev_if);
	int score = v4 ? 2 : 1;
	bool mapped;

	if (!search || !searches() ||
	    BPF_CORE_READ(sk, __sk_common.skc_num) != search->flow.remote_port ||
	    (u64)BPF_CORE_READ(sk, __sk_common.skc_net.net) != search->net)
		return 0;
	flow_of(sk, &search->theirs);
	mapped = is_mapped(search->flow.remote);
	if (mapped ? !v4 && BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only) : v4)
		return 0;
	if (same_address(search->theirs.local, search->flow.remote))
		score += SCORE_OF_ADDRESS;
	else if (!unspecified(search->theirs.local) || (!mapped && is_mapped(search->theirs.local)))
		return 0;
	if (search->theirs.remote_port) {
		if (search->theirs.remote_port != search->flow.local_port ||
		    !same_address(search->theirs.remote, search->flow.local))
			return 0;
		score += 8;
	}
	if (device) {
		/* what goes to a group may come by another than the loopback device */
		if (search->reach == REACH_ONE && device != LOOPBACK_IFINDEX)
			return 0;
		score += 4;
	}
	return score;
}

static __always_inline bool shares_port(struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport) &&
	       BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_ESTABLISHED;
}

/* Takes a socket among the receivers if it is one */
__noinline int consider(u64 sock, u32 via_uring)
{
	struct receiver_search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
	u32 score = score_of(sock, via_uring), count;
	int membership = MEMBERSHIP;

	if (!search || !score || !searches())
		return 0;
	if (search->reach == REACH_ONE) {
		if (score < search->best)
			return 0;
		if (score > search->best) {
			search->best = score;
			search->unsure = 0;
			search->hidden = 0;
			search->found[0] = sock;
			search->count = 1;
			return 0;
		}
		/* of equals the kernel takes the one bound last, unless they share the port */
		search->unsure = 1;
		search->hidden |=
			shares_port((void *)sock) && shares_port((void *)search->found[0]);
		return 0;
	}
	if (search->reach == REACH_GROUP)
		membership = membership_of(sock, via_uring);
	if (membership == MEMBERSHIP_NONE)
		return 0;
	if (membership == MEMBERSHIP_FILTERED)
		search->unsure = 1;
	if (membership != MEMBERSHIP_OF_OTHERS)
		search->joined = 1;
	count = search->count;
	barrier_var(count);
	if (count < RECEIVERS) {
		search->found[count & (RECEIVERS - 1)] = sock;
		search->count = count + 1;
	} else {
		search->surplus++;
	}
	return 0;
}

/* 6.2: 9804985bf27f ("udp: Introduce optional per-netns hash table") */
static __always_inline struct udp_table *table_of(struct sock *sk)
{
	struct udp_table *table = BPF_CORE_READ(sk, __sk_common.skc_prot, h.udp_table);
	struct net___udp *net = (void *)BPF_CORE_READ(sk, __sk_common.skc_net.net);

	if (!table && bpf_core_field_exists(net->ipv4.udp_table))
		table = BPF_CORE_READ(net, ipv4.udp_table);
	return table;
}

/* Searches for the receivers of what `sender` sent with search->flow; how many, -1: nobody can tell */
__noinline int find_receivers(u64 sender, u32 via_uring)
{
	struct receiver_search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
	struct udp_table *table;
	struct net *net;
	u64 slot, node;
	u32 number;

	if (!search || !searches())
		return -1;
	net = BPF_CORE_READ((struct sock *)sender, __sk_common.skc_net.net);
	search->net = (u64)net;
	search->best = 0;
	search->count = 0;
	search->joined = 0;
	search->unsure = 0;
	search->hidden = 0;
	search->surplus = 0;
	search->reach = reach_of(via_uring);
	table = table_of((struct sock *)sender);
	if (search->reach == REACH_NONE || !table)
		return search->reach == REACH_NONE ? 0 : -1;
	number = (search->flow.remote_port + BPF_CORE_READ(net, hash_mix)) &
		 BPF_CORE_READ(table, mask);
	slot = (u64)BPF_CORE_READ(table, hash) + (u64)number * bpf_core_type_size(struct udp_hslot);
	node = (u64)BPF_CORE_READ((struct udp_hslot *)slot, head.first);
	for (u32 i = 0; i < SOCKETS_OF_SLOT; i++) {
		barrier();
		/* the end of a list of nulls is odd */
		if (!node || (node & 1))
			break;
		consider(node - bpf_core_field_offset(struct sock, __sk_common.skc_node),
			 via_uring);
		node = (u64)BPF_CORE_READ((struct hlist_node *)node, next);
	}
	if ((node && !(node & 1)) || search->hidden)
		return -1;
	/* a group that nobody has joined gets nothing */
	return search->reach == REACH_GROUP && !search->joined ? 0 : search->count;
}

#endif
