/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * How far a datagram reaches: to an address of this host, to all, or to a group, and which of its sockets have joined
 * that. For receivers.h, which searches them.
 */
#ifndef REACH_H
#define REACH_H
#include "family.h"
#include "flow.h"

#define RECEIVERS 32
#define DEVICES 64
#define ADDRESSES_OF_DEVICE 32
#define MEMBERSHIPS 32
#define MCAST_EXCLUDE 0

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
struct receiver_search {
	struct flow flow; /* of the sender */
	struct flow theirs;
	u64 net;
	u32 reach;
	u32 best;
	u32 count;
	u32 joined; /* a receiver is a member */
	u32 unsure; /* which of several it is */
	u32 hidden; /* the kernel chose by a secret */
	u32 surplus; /* more receivers than there is room for */
	u32 reserved;
	u64 found[RECEIVERS];
};

/* For calls, and for completions of io_uring: either may interrupt the other's search */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct receiver_search);
} receiver_searches SEC(".maps");

/* Known at load: before 6.8 global functions are verified even when nobody calls them */
static __always_inline bool searches(void)
{
	return !config.deliveries && has_traced(FAMILY_LOOPBACK);
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
	struct receiver_search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
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
	struct receiver_search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
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
	struct receiver_search *search = bpf_map_lookup_elem(&receiver_searches, &via_uring);
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

#endif
