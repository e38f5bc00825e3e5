/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Datagrams that were queued at a UDP socket, each given to the send that it was. Mostly it is queued within the
 * sender's call, whose return takes it from there. It may also come on another's time: ksoftirqd's, an
 * interrupted program's, or, since 6.18 queues what several CPUs send to a socket at once
 * (udp_prod_queue), another sender's. Then user space gets a record of it, which has the
 * addresses that the sender's event has.
 */
#ifndef UDP_DELIVERY_H
#define UDP_DELIVERY_H
#include "flow.h"
#include "in_call.h"

#define ETH_P_IP 0x0800
#define UDP_HEADER 8
#define IP_SOURCE 12
#define IP_DESTINATION 16
#define IPV6_SOURCE 8
#define IPV6_DESTINATION 24

ANCHOR(struct, udp_delivery_record);

/* What the last call on this CPU was about: of several for one batch, each is for a datagram of it */
struct batch {
	u64 sk;
	u64 last;    /* of its queue */
	u64 current; /* which the call was about */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct batch);
} batches SEC(".maps");

/* What is to be known of a datagram. All 0: it was read, and freed, before it could be looked at */
struct datagram {
	u64 head; /* of its buffer, which copies for several receivers share */
	u32 device;
	u32 length; /* without what a filter cut off */
	struct header header;
};

/* In a map, for it goes through functions that take numbers only: the one that came, and none, for a call's return */
enum { DATAGRAM_CAME, DATAGRAM_UNKNOWN };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct datagram);
} datagrams SEC(".maps");

/* Answers come to this port from the port that was asked, though another one was given the question by NAT */
struct nat_key {
	u32 net;
	u16 port;
	u16 seen;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct nat_key);
	__type(value, u16);
} nat_ports SEC(".maps");

/* The datagram a socket is told of; NULL: it is none's any more */
static __always_inline struct sk_buff *last_of(struct sock *sk)
{
	u64 end = (u64)sk + bpf_core_field_offset(struct sock, sk_receive_queue);
	struct sk_buff *last = BPF_CORE_READ(sk, sk_receive_queue.prev), *skb = last;
	struct batch *batch;
	u32 zero = 0;

	batch = bpf_map_lookup_elem(&batches, &zero);
	if (!batch)
		return NULL;
	if (batch->sk == (u64)sk && batch->last == (u64)last) {
		struct sk_buff *current = (void *)batch->current;

		skb = BPF_CORE_READ(current, prev);
		/* else it is another datagram in the same memory, and the last one indeed */
		if ((u64)skb == end || BPF_CORE_READ(skb, next) != current)
			skb = last;
	}
	if ((u64)skb == end)
		return NULL;
	batch->sk = (u64)sk;
	batch->last = (u64)last;
	batch->current = (u64)skb;
	return skb;
}

/*
 * Looks at it. A reader on another CPU may take it from the queue at any time, and its memory may serve another
 * datagram before all is read: what does not fit together is not believed.
 */
static __always_inline void look_at(struct sk_buff *skb, u16 port, struct datagram *datagram)
{
	unsigned char *head = BPF_CORE_READ(skb, head), *name;
	struct udphdr *udp = (void *)(head + BPF_CORE_READ(skb, transport_header));
	u32 address = 0;

	name = head + BPF_CORE_READ(skb, network_header);
	if (BPF_CORE_READ(skb, protocol) == bpf_htons(ETH_P_IP)) {
		bpf_probe_read_kernel(&address, sizeof(address), name + IP_SOURCE);
		map_address(datagram->header.src_address, address);
		bpf_probe_read_kernel(&address, sizeof(address), name + IP_DESTINATION);
		map_address(datagram->header.dst_address, address);
	} else {
		bpf_probe_read_kernel(datagram->header.src_address, 16, name + IPV6_SOURCE);
		bpf_probe_read_kernel(datagram->header.dst_address, 16, name + IPV6_DESTINATION);
	}
	datagram->length = BPF_CORE_READ(skb, len);
	datagram->header.src_port = bpf_ntohs(BPF_CORE_READ(udp, source));
	datagram->header.dst_port = port;
	datagram->head = (u64)head;
	datagram->device = BPF_CORE_READ(skb, skb_iif);
	barrier();
	if (!datagram->device || bpf_ntohs(BPF_CORE_READ(udp, dest)) != port ||
	    BPF_CORE_READ(skb, head) != head)
		__builtin_memset(datagram, 0, sizeof(*datagram));
}

/* The socket that the current call sends one datagram by, to be reported at its return; NULL: none */
static __always_inline struct sock *sender_of_call(void)
{
	struct ongoing *ongoing = current_ongoing();
	struct sock *sk;

	if (by_functions(FAMILY_LOOPBACK)) {
		struct in_call *in_call = find_this_call(false);

		return in_call ? (struct sock *)in_call->sender : NULL;
	}
	if (!ongoing || (ongoing->call == CALL_SENDMMSG && !config.sends))
		return NULL;
	sk = sock_of((struct file *)ongoing->to);
	return is_inet(sk, IPPROTO_UDP) ? sk : NULL;
}

/* Whether a datagram that came during a call is that call's, by its source port, or one that NAT gave it */
static __always_inline bool is_sent_by(struct sock *sender, const struct datagram *datagram)
{
	struct nat_key key = {.net = sock_net(sender),
			      .port = datagram->header.dst_port,
			      .seen = datagram->header.src_port};
	u16 port = BPF_CORE_READ(sender, __sk_common.skc_num), *real;

	if (!datagram->device || datagram->header.src_port == port)
		return true;
	real = bpf_map_lookup_elem(&nat_ports, &key);
	return real && *real == port;
}

/* Whether others than this socket may get what is sent to its port and address */
static __always_inline bool shares_address(struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuse) ||
	       BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport);
}

/* Tells user space of the datagram that came to a socket, which `datagrams` has */
__noinline int report_deferred(u64 socket, u32 which)
{
	struct sock *sk = (void *)socket;
	u64 inode = sock_inode(sk);
	struct process who = holder_named(sk, inode, INET_PEER);
	struct udp_delivery_record *record;
	struct datagram *datagram = bpf_map_lookup_elem(&datagrams, &which);

	if (!datagram)
		return 0;
	if (selects())
		announce_noted(who.tgid, who.tag);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(KIND_LOOPBACK_UDP, LOST_RING_FULL, 1);
		return 0;
	}
	record->type = RECORD_UDP_DELIVERY;
	record->length = datagram->length;
	record->time = bpf_ktime_get_boot_ns();
	record->dst_inode = inode;
	record->dst = who;
	record->net = sock_net(sk);
	record->is_filtered = BPF_CORE_READ(sk, sk_filter) != NULL;
	record->is_guess = has_others(sk, who.tgid != 0);
	record->src_port = datagram->header.src_port;
	record->dst_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	/* its place in memory is nobody's business */
	record->copy_of = mix(datagram->head >> 6, config.own_tgid);
	__builtin_memcpy(record->dst_address, datagram->header.dst_address, 16);
	if (!datagram->device) {
		/* where else than to its own address it was not sent, if it has one */
		if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
			map_address(record->dst_address,
				    BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		else
			BPF_CORE_READ_INTO(&record->dst_address, sk,
					   __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		if (shares_address(sk))
			record->is_guess = 1;
	}
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}

/* Whether several sockets may get what is sent to an address: a group's, or perhaps one for all of a network */
static __always_inline bool may_have_several(const u8 address[16])
{
	if (address[0])
		return address[0] == 0xff;
	return (address[12] & 0xf0) == 0xe0 || address[15] == 0xff;
}

/*
 * More datagrams came during a call than it has room for: of one to a group no event has these receivers, and any other
 * is somebody else's, who has queued it since
 */
static __always_inline void report_surplus(u64 socket, struct datagram *datagram)
{
	if (may_have_several(datagram->header.dst_address)) {
		count_lost(KIND_LOOPBACK_UDP, LOST_MAP_FULL, 1);
		return;
	}
	__builtin_memset(datagram, 0, sizeof(*datagram));
	report_deferred(socket, DATAGRAM_CAME);
}

/* A socket is told of data */
__noinline int on_udp_delivery(u64 socket)
{
	struct sock *sk = (void *)socket, *sender;
	u16 port = BPF_CORE_READ(sk, __sk_common.skc_num);
	struct datagram *datagram;
	struct in_call *in_call;
	struct sk_buff *skb;
	u32 zero = 0;

	datagram = bpf_map_lookup_elem(&datagrams, &zero);
	if (!datagram || !is_inet(sk, IPPROTO_UDP))
		return 0;
	__builtin_memset(datagram, 0, sizeof(*datagram));
	skb = last_of(sk);
	if (skb)
		look_at(skb, port, datagram);
	if (datagram->device && datagram->device != LOOPBACK_IFINDEX)
		return 0;
	sender = sender_of_call();
	if (!sender || !is_sent_by(sender, datagram)) {
		/*
		 * Another processor has queued this one since, and tells of it as well: which of the two it is told of
		 * here can't be known (6.18 queues those of several at once), only that it is one more.
		 */
		if (sender && !BPF_CORE_READ(sk, sk_filter))
			__builtin_memset(datagram, 0, sizeof(*datagram));
		report_deferred(socket, DATAGRAM_CAME);
		return 0;
	}
	in_call = note_in_call(sk, false, datagram->device ? datagram->length : UNSEEN);
	if (!in_call)
		report_surplus(socket, datagram);
	else if (datagram->device)
		in_call->header = datagram->header;
	return 0;
}

#endif
