/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Datagrams that were queued at a UDP socket, each given to the send that it was. Mostly it is queued within the
 * sender's call, whose return takes it from there. It may also come on another's time: ksoftirqd's, an
 * interrupted program's, or, since 6.18 queues what several CPUs send to a socket at once
 * (udp_prod_queue), another sender's. Then user space gets a record of it, which has the
 * addresses that the sender's event has.
 */
#ifndef ARRIVAL_H
#define ARRIVAL_H
#include "flow.h"

#define ETH_P_IP 0x0800
#define UDP_HEADER 8
#define IP_DESTINATION 16
#define IPV6_DESTINATION 24

ANCHOR(struct, arrival_record);

/* What the last call on this CPU was about: of several for one batch, each is for a datagram of it */
struct batch {
	u64 sk;
	u64 last;
	u64 next;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct batch);
} batches SEC(".maps");

/* The datagram a socket is told of; NULL: it was read already */
static __always_inline struct sk_buff *arrived(struct sock *sk)
{
	u64 end = (u64)sk + bpf_core_field_offset(struct sock, sk_receive_queue);
	struct sk_buff *last = BPF_CORE_READ(sk, sk_receive_queue.prev), *skb = last;
	struct batch *batch;
	u32 zero = 0;

	batch = bpf_map_lookup_elem(&batches, &zero);
	if (!batch)
		return NULL;
	if (batch->sk == (u64)sk && batch->last == (u64)last)
		skb = (void *)batch->next;
	if (!skb || (u64)skb == end)
		return NULL;
	batch->sk = (u64)sk;
	batch->last = (u64)last;
	batch->next = (u64)BPF_CORE_READ(skb, prev);
	return skb;
}

/* The socket that the current call sends one datagram by, to be reported at its return; NULL: none */
static __always_inline struct sock *sending_socket(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct pt_regs *regs = current_regs();
	bool compat = in_compat_call();
	enum call call;
	struct sock *sk;
	int fd;

	if (BPF_CORE_READ(task, flags) & (PF_KTHREAD | PF_IO_WORKER))
		return NULL;
	call = call_of(call_number(regs), compat);
	fd = call == CALL_SENDMMSG ? -1 : sends_to(call, regs, compat);
	if (fd < 0)
		return NULL;
	sk = sock_of(file_of(fd));
	return is_inet(sk, IPPROTO_UDP) ? sk : NULL;
}

/* Tells user space of a datagram; `skb` may be NULL */
__noinline int tell_arrival(u64 socket, u64 datagram)
{
	struct sock *sk = (void *)socket;
	struct sk_buff *skb = (void *)datagram;
	u64 inode = sock_inode(sk);
	struct process who = owner_of(sk, inode, 0);
	struct arrival_record *record;
	struct udphdr *header;
	unsigned char *head;

	if (selects())
		announce_noted(who.tgid, who.tag);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(KIND_LOOPBACK_UDP, LOST_RING_FULL, 1);
		return 0;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->type = RECORD_ARRIVAL;
	record->time = bpf_ktime_get_boot_ns();
	record->dst_inode = inode;
	record->dst = who;
	record->net = sock_net(sk);
	record->dst_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (skb) {
		head = BPF_CORE_READ(skb, head);
		/* clones share it; its place in memory is nobody's business */
		record->copy_of = mix((u64)head >> 6, config.own_tgid);
		header = (void *)(head + BPF_CORE_READ(skb, transport_header));
		record->length = bpf_ntohs(BPF_CORE_READ(header, len)) - UDP_HEADER;
		record->src_port = bpf_ntohs(BPF_CORE_READ(header, source));
		head += BPF_CORE_READ(skb, network_header);
		if (BPF_CORE_READ(skb, protocol) == bpf_htons(ETH_P_IP)) {
			u32 address = 0;

			bpf_probe_read_kernel(&address, sizeof(address), head + IP_DESTINATION);
			map_address(record->dst_address, address);
		} else {
			bpf_probe_read_kernel(record->dst_address, 16, head + IPV6_DESTINATION);
		}
	}
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}

/* A socket is told of data */
__noinline int on_arrival(u64 socket)
{
	struct sock *sk = (void *)socket, *sender;
	u16 port = BPF_CORE_READ(sk, __sk_common.skc_num);
	struct sk_buff *skb;
	struct udphdr *header;
	int device;

	if (!is_inet(sk, IPPROTO_UDP))
		return 0;
	skb = arrived(sk);
	header = (void *)(BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, transport_header));
	device = BPF_CORE_READ(skb, skb_iif);
	/* a reader on another CPU may have freed it since, and it may serve another datagram */
	if (!device || bpf_ntohs(BPF_CORE_READ(header, dest)) != port)
		skb = NULL;
	else if (device != LOOPBACK_IFINDEX)
		return 0;
	sender = sending_socket();
	port = bpf_ntohs(BPF_CORE_READ(header, source));
	if (sender && (!skb || BPF_CORE_READ(sender, __sk_common.skc_num) == port))
		note_delivery(sk, false);
	else
		tell_arrival(socket, (u64)skb);
	return 0;
}

#endif
