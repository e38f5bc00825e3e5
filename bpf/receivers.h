/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Who receives a datagram, on kernels where its delivery can't be hooked (before 6.3, without fentry and
 * kprobes): the sender's side looks it up where the kernel does, in its table of UDP sockets.
 */
#ifndef RECEIVERS_H
#define RECEIVERS_H
#include "family.h"
#include "flow.h"

#define TCP_ESTABLISHED 1
#define SOCKETS_OF_SLOT 256
#define RECEIVERS 32
#define DEVICES 64
#define ADDRESSES_OF_DEVICE 32
#define MEMBERSHIPS 32
#define MCAST_EXCLUDE 0
/* Above all that compute_score() of the kernel gives */
#define SCORE_OF_ADDRESS 64

enum reach {
	REACH_NONE,  /* leaves the host */
	REACH_ONE,   /* is an address of it */
	REACH_ALL,   /* is a broadcast address */
	REACH_GROUP, /* of members */
};

enum membership {
	MEMBERSHIP_NONE,
	MEMBERSHIP_OF_OTHERS, /* gets what any socket of the host has joined: IP_MULTICAST_ALL, the default */
	MEMBERSHIP_FILTERED, /* by source: whom it lets through is not looked at */
	MEMBERSHIP,
};

/* One search; in a map, for global functions take numbers only */
struct search {
	struct flow flow; /* of the sender */
	struct flow theirs;
	u64 net;
	u32 reach;
	u32 best;
	u32 count;
	u32 joined; /* a receiver is a member */
	u32 unsure; /* which of several it is */
	u32 hidden; /* the kernel chose by a secret */
	u64 found[RECEIVERS];
};

/* For calls, and for completions of io_uring: either may interrupt the other's search */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct search);
} receiver_searches SEC(".maps");

/* Known at load: before 6.8 global functions are verified even when nobody calls them */
static __always_inline bool searches(void)
{
	return !config.deliveries && serves(FAMILY_LOOPBACK);
}

static __always_inline bool is_mapped(const u8 address[16])
{
	const u32 *words = (const u32 *)address;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

static __always_inline bool same_address(const u8 a[16], const u8 b[16])
{
	const u64 *x = (const u64 *)a, *y = (const u64 *)b;

	return x[0] == y[0] && x[1] == y[1];
}

static __always_inline bool unspecified(const u8 address[16])
{
	const u32 *words = (const u32 *)address;

	return !words[0] && !words[1] && (!words[2] || words[2] == bpf_htonl(0xffff)) && !words[3];
}

/* Whether the destination is one of a device's addresses, or its broadcast address; enum reach */
__noinline int reach_by(u64 device, u32 via_uring)
{
	struct search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
	struct in_ifaddr *v4 = BPF_CORE_READ((struct net_device *)device, ip_ptr, ifa_list);
	struct inet6_dev *v6 = BPF_CORE_READ((struct net_device *)device, ip6_ptr);
	u32 destination;

	if (!search || !searches())
		return REACH_NONE;
	if (!is_mapped(search->flow.remote)) {
		u64 head = (u64)v6 + bpf_core_field_offset(struct inet6_dev, addr_list);
		u64 node = v6 ? (u64)BPF_CORE_READ(v6, addr_list.next) : 0;

		for (u32 i = 0; i < ADDRESSES_OF_DEVICE; i++) {
			struct inet6_ifaddr *entry;

			barrier();
			if (!node || node == head)
				break;
			entry = (void *)node - bpf_core_field_offset(struct inet6_ifaddr, if_list);
			BPF_CORE_READ_INTO(&search->theirs.local, entry, addr.in6_u.u6_addr8);
			if (same_address(search->theirs.local, search->flow.remote))
				return REACH_ONE;
			node = (u64)BPF_CORE_READ(entry, if_list.next);
		}
		return REACH_NONE;
	}
	destination = ((u32 *)search->flow.remote)[3];
	for (u32 i = 0; i < ADDRESSES_OF_DEVICE; i++) {
		u32 mask;

		barrier();
		if (!v4)
			break;
		mask = BPF_CORE_READ(v4, ifa_mask);
		if (BPF_CORE_READ(v4, ifa_local) == destination)
			return REACH_ONE;
		/* a network of two or of one has no broadcast address */
		if ((bpf_ntohl(~mask) > 1 &&
		     (BPF_CORE_READ(v4, ifa_address) | ~mask) == destination) ||
		    BPF_CORE_READ(v4, ifa_broadcast) == destination)
			return REACH_ALL;
		v4 = BPF_CORE_READ(v4, ifa_next);
	}
	return REACH_NONE;
}

/* Where a datagram to the destination goes; enum reach */
__noinline int reach_of(u32 via_uring)
{
	struct search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
	u64 head, node;
	struct net *net;
	int found;
	u32 last;

	if (!search || !searches())
		return REACH_NONE;
	last = ((u32 *)search->flow.remote)[3];
	if (unspecified(search->flow.remote))
		return REACH_ONE;
	if (is_mapped(search->flow.remote)) {
		if ((last & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000))
			return REACH_GROUP;
		if (last == 0xffffffff)
			return REACH_ALL;
	} else if (search->flow.remote[0] == 0xff) {
		return REACH_GROUP;
	}
	net = (void *)search->net;
	head = (u64)net + bpf_core_field_offset(struct net, dev_base_head);
	node = (u64)BPF_CORE_READ(net, dev_base_head.next);
	for (u32 i = 0; i < DEVICES; i++) {
		barrier();
		if (!node || node == head)
			break;
		found = reach_by(node - bpf_core_field_offset(struct net_device, dev_list),
				 via_uring);
		if (found != REACH_NONE)
			return found;
		node = (u64)BPF_CORE_READ((struct list_head *)node, next);
	}
	if (is_mapped(search->flow.remote) &&
	    (last & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000))
		return REACH_ONE;
	return REACH_NONE;
}

/* What a socket gets of the group that the destination is; enum membership */
__noinline int membership_of(u64 sock, u32 via_uring)
{
	struct search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
	struct inet_sock *inet = (void *)sock;
	struct ip_mc_socklist *v4;
	struct ipv6_mc_socklist *v6;
	struct ipv6_pinfo *info;

	if (!search || !searches())
		return MEMBERSHIP_NONE;
	if (is_mapped(search->flow.remote)) {
		v4 = BPF_CORE_READ(inet, mc_list);
		for (u32 i = 0; i < MEMBERSHIPS; i++) {
			barrier();
			if (!v4)
				break;
			if (BPF_CORE_READ(v4, multi.imr_multiaddr.s_addr) ==
			    ((u32 *)search->flow.remote)[3])
				return BPF_CORE_READ(v4, sflist) ? MEMBERSHIP_FILTERED
				       : BPF_CORE_READ(v4, sfmode) == MCAST_EXCLUDE
					       ? MEMBERSHIP
					       : MEMBERSHIP_NONE;
			v4 = BPF_CORE_READ(v4, next_rcu);
		}
		if (!bpf_core_field_exists(inet->mc_all))
			return MEMBERSHIP_OF_OTHERS;
		return BPF_CORE_READ_BITFIELD_PROBED(inet, mc_all) ? MEMBERSHIP_OF_OTHERS
								   : MEMBERSHIP_NONE;
	}
	info = BPF_CORE_READ(inet, pinet6);
	if (!info)
		return MEMBERSHIP_NONE;
	v6 = BPF_CORE_READ(info, ipv6_mc_list);
	for (u32 i = 0; i < MEMBERSHIPS; i++) {
		barrier();
		if (!v6)
			break;
		BPF_CORE_READ_INTO(&search->theirs.local, v6, addr.in6_u.u6_addr8);
		if (same_address(search->theirs.local, search->flow.remote))
			return BPF_CORE_READ(v6, sflist)		    ? MEMBERSHIP_FILTERED
			       : BPF_CORE_READ(v6, sfmode) == MCAST_EXCLUDE ? MEMBERSHIP
									    : MEMBERSHIP_NONE;
		v6 = BPF_CORE_READ(v6, next);
	}
	if (!bpf_core_field_exists(info->mc_all))
		return MEMBERSHIP_OF_OTHERS;
	return BPF_CORE_READ_BITFIELD_PROBED(info, mc_all) ? MEMBERSHIP_OF_OTHERS : MEMBERSHIP_NONE;
}

/* How well a socket fits, as compute_score() has it; 0: it does not */
__noinline int score_of(u64 sock, u32 via_uring)
{
	struct search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
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
	struct search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
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
	struct search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
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
