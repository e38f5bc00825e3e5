/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * TCP and UDP over the loopback device: one event per send system call, in the sender's own
 * context, at its return, or per request of io_uring at its completion; on the receive side
 * `current` is anybody. A TCP receiver is the socket with the reversed 4-tuple in the same network
 * namespace; a datagram's is the socket whose sk_data_ready ran for it (arrival.h); where that can't
 * be hooked, those that receivers.h finds.
 */
#include "arrival.h"
#include "flow.h"
#include "hook.h"
#include "receivers.h"
#include "uring.h"

#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define MESSAGES 1024
#define MESSAGE_ROUND 32

ANCHOR(struct, loopback_record);

/* Bytes of a datagram that is still being put together (MSG_MORE, UDP_CORK), by socket */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u32);
} corked SEC(".maps");

/* A process uses a socket. A function of its own, for its frame is not to lie below report_parcel's */
__noinline int on_use_of_inet(u64 socket, u64 task)
{
	struct sock *sk = (void *)socket;
	struct identity self = {};
	struct flow flow = {};
	u64 value = socket;

	if (!is_loopback(sk))
		return 0;
	identify((void *)task, &self);
	if (!use(sk, sock_inode(sk), 0, &self, false) || !is_inet(sk, IPPROTO_TCP))
		return 0;
	flow_of(sk, &flow);
	if (flow.remote_port)
		bpf_map_update_elem(&flows, &flow, &value, BPF_ANY);
	return 0;
}

/* One call or message to be reported; in a map for the reason that unix.bpf.c gives */
struct parcel {
	struct flow flow;
	u64 other;
	u64 src_inode;
	struct process src;
	struct process dst;
	u32 kind;
	u32 count;
	u32 thread;
	u32 flags;
	u64 name; /* of the destination: a sockaddr in user memory */
	u32 by_ring;
	u32 name_copied; /* it is in the kernel's */
	u64 sender;	 /* of a datagram whose receivers are to be searched for */
	u64 first;	 /* receiver of the datagram */
	u64 last;
	struct source source;
	/* room for what the stack has none for: of five frames 512 bytes in all */
	struct flow reversed;
	struct flow theirs;
	struct identity self;
	u8 sockaddr[28]; /* a sockaddr_in6, or a sockaddr_in within it */
	u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct parcel);
} parcels SEC(".maps");

__noinline int report_parcel(u32 by_ring)
{
	struct parcel *parcel = bpf_map_lookup_elem(&parcels, &by_ring);
	struct loopback_record *record;
	struct process dst;
	u64 dst_inode = 0;

	if (!parcel)
		return 0;
	dst = parcel->dst;
	if (parcel->other) {
		struct sock *other = (void *)parcel->other;

		dst_inode = sock_inode(other);
		dst = owner_of(other, dst_inode, 0);
	}
	if (parcel->src.tgid == config.own_tgid || dst.tgid == config.own_tgid)
		return 0;
	if (!admit(&parcel->self, &dst))
		return 0;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(parcel->kind, LOST_RING_FULL, 1);
		return 0;
	}
	begin_event(&record->event, parcel->kind, parcel->flags, parcel->src, dst, parcel->count);
	record->src_inode = parcel->src_inode;
	record->dst_inode = dst_inode;
	record->dst_sock = parcel->other;
	record->net = parcel->flow.net;
	record->src_port = parcel->flow.local_port;
	record->dst_port = parcel->flow.remote_port;
	record->reserved = 0;
	__builtin_memcpy(record->src_address, parcel->flow.local, 16);
	__builtin_memcpy(record->dst_address, parcel->flow.remote, 16);
	record->event.captured =
		capture(by_ring ? SLOT_LOOPBACK_RING : SLOT_LOOPBACK, &parcel->source,
			wanted_of(parcel->count), record->event.thread);
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}

/* Reports what is in the parcel, to each who receives it */
__noinline int report_sent(u32 by_ring)
{
	struct parcel *parcel = bpf_map_lookup_elem(&parcels, &by_ring);
	struct search *search = bpf_map_lookup_elem(&receiver_searches, &by_ring);
	int count = -1;

	if (!parcel || !search)
		return 0;
	if (parcel->sender) {
		search->flow = parcel->flow;
		count = find_receivers(parcel->sender, by_ring);
	}
	if (count < 0)
		return report_parcel(by_ring);
	if (search->unsure)
		parcel->flags |= EVENT_DST_GUESS;
	/* here, for a function more would be a frame more than eight */
	for (int n = 0; n < RECEIVERS; n++) {
		barrier();
		if (n >= count)
			break;
		parcel->other = search->found[n & (RECEIVERS - 1)];
		report_parcel(by_ring);
	}
	return 0;
}

static __always_inline struct parcel *new_parcel(u32 by_ring)
{
	struct parcel *parcel = bpf_map_lookup_elem(&parcels, &by_ring);

	if (parcel) {
		__builtin_memset(parcel, 0, sizeof(*parcel));
		parcel->by_ring = by_ring;
	}
	return parcel;
}

/* Who listens at the port a connection was made to, which nobody has accepted yet */
static __always_inline void find_listener(struct parcel *parcel)
{
	struct port port = {.net = parcel->flow.net, .number = parcel->flow.remote_port};
	u64 *known = bpf_map_lookup_elem(&listeners, &port);
	struct sock *listener;

	if (!known)
		return;
	listener = (void *)*known;
	if (BPF_CORE_READ(listener, __sk_common.skc_state) != TCP_LISTEN ||
	    BPF_CORE_READ(listener, __sk_common.skc_num) != port.number ||
	    sock_net(listener) != port.net)
		return;
	parcel->dst = owner_of(listener, sock_inode(listener), 0);
	if (parcel->dst.tgid)
		parcel->flags |= EVENT_DST_GUESS;
}

/* The bytes of one call or message over TCP; true: to be reported */
static __always_inline bool send_tcp(struct sock *sk, struct parcel *parcel)
{
	u64 *other;

	if (!traces(KIND_LOOPBACK_TCP) || !parcel->count)
		return false;
	parcel->kind = KIND_LOOPBACK_TCP;
	flow_of(sk, &parcel->flow);
	reverse(&parcel->flow, &parcel->reversed);
	other = bpf_map_lookup_elem(&flows, &parcel->reversed);
	if (other) {
		struct sock *peer = (void *)*other;
		u8 state = BPF_CORE_READ(peer, __sk_common.skc_state);

		/* its memory may serve another socket by now */
		flow_of(peer, &parcel->theirs);
		if (state != TCP_CLOSE && state != TCP_LISTEN &&
		    same_flow(&parcel->theirs, &parcel->reversed))
			parcel->other = *other;
	}
	if (parcel->other)
		return true;
	if (!routed_to_loopback(sk))
		return false;
	find_listener(parcel);
	return true;
}

/* The destination of a datagram: what the call says, else what the socket is connected to */
static __always_inline void address_datagram(struct parcel *parcel)
{
	struct flow *flow = &parcel->flow;
	u8 *name = parcel->sockaddr;
	u16 *words = (u16 *)name;

	if (!parcel->name)
		return;
	if (parcel->name_copied)
		bpf_probe_read_kernel(name, sizeof(parcel->sockaddr), (void *)parcel->name);
	else if (bpf_probe_read_user(name, sizeof(parcel->sockaddr), (void *)parcel->name))
		/* it may end at the end of memory */
		bpf_probe_read_user(name, 16, (void *)parcel->name);
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

/* Reports the n-th receiver of the current call's datagram; 0: it is another's, -1: there are no more */
__noinline int on_delivery(u32 n)
{
	u64 key = deliveries_of(bpf_get_current_pid_tgid(), false);
	u32 by_ring = false;
	struct parcel *parcel = bpf_map_lookup_elem(&parcels, &by_ring);
	struct delivery *delivery = bpf_map_lookup_elem(&deliveries, &key);
	u64 other;

	if (!parcel || !delivery || n >= delivery->count || n >= DELIVERIES)
		return -1;
	barrier_var(n);
	other = delivery->socks[n & (DELIVERIES - 1)];
	if (!receives_port((void *)other, parcel->flow.net, parcel->flow.remote_port))
		return 0;
	/* each receiver is one event, of however many segments */
	if (parcel->last == other)
		return 0;
	if (parcel->first == other)
		return -1;
	if (!parcel->first)
		parcel->first = other;
	parcel->last = other;
	parcel->other = other;
	report_parcel(false);
	return 1;
}

/* A datagram of `parcel->count` bytes that left, in a call of its own or not. true: to be reported, by its address */
static __always_inline bool send_udp(struct sock *sk, struct parcel *parcel, bool single)
{
	u64 mine = deliveries_of(parcel->thread, false);
	struct delivery *delivery = bpf_map_lookup_elem(&deliveries, &mine);
	u64 key = (u64)sk;
	u32 *before, found = 0;

	if (!traces(KIND_LOOPBACK_UDP))
		return false;
	parcel->kind = KIND_LOOPBACK_UDP;
	before = bpf_map_lookup_elem(&corked, &key);
	if (BPF_CORE_READ((struct udp_sock *)sk, pending)) {
		u32 sum = parcel->count + (before ? *before : 0);

		bpf_map_update_elem(&corked, &key, &sum, BPF_ANY);
		return false;
	}
	if (before) {
		/* the first part of it is gone */
		parcel->count += *before;
		parcel->source.kind = SOURCE_NONE;
		bpf_map_delete_elem(&corked, &key);
	}
	flow_of(sk, &parcel->flow);
	address_datagram(parcel);
	if (!parcel->flow.remote_port)
		return false;
	if (unspecified(parcel->flow.local)) {
		/* what the local routing table gives: the address itself, 127.0.0.1 for 127.0.0.0/8 */
		__builtin_memcpy(parcel->flow.local, parcel->flow.remote, 16);
		if (parcel->flow.remote[10] == 0xff && parcel->flow.remote[12] == 127)
			map_address(parcel->flow.local, bpf_htonl(0x7f000001));
	}
	for (u32 i = 0; single && i < DELIVERIES; i++) {
		int result = on_delivery(i);

		if (result < 0)
			break;
		found += result;
	}
	if (found)
		return false;
	if (delivery && delivery->failed) {
		delivery->failed--;
		return false;
	}
	if (routed_elsewhere(sk))
		return false;
	parcel->flags = SEND_TO_ADDRESS;
	if (!config.deliveries)
		parcel->sender = key;
	return true;
}

/* The n-th message of a sendmmsg; 1: to be reported */
__noinline int on_parcel(u64 vector, u32 n, int fd, u32 compat)
{
	u64 message = vector + (u64)n * (compat ? 32 : 64);
	struct parcel *parcel = new_parcel(false);
	struct sock *sk = sock_of(file_of(fd));

	if (!parcel || !sk)
		return 0;
	identify((void *)bpf_get_current_task(), &parcel->self);
	parcel->thread = bpf_get_current_pid_tgid();
	parcel->src = parcel->self.who;
	parcel->src_inode = sock_inode(sk);
	bpf_probe_read_user(&parcel->count, 4, (void *)(message + (compat ? 28 : 56)));
	bpf_probe_read_user(&parcel->name, compat ? 4 : 8, (void *)message);
	source_of_message(&parcel->source, message, compat);
	if (is_inet(sk, IPPROTO_TCP))
		return send_tcp(sk, parcel);
	if (is_inet(sk, IPPROTO_UDP))
		return send_udp(sk, parcel, false);
	return 0;
}

/* A round of them; -1: that was all. A descriptor and, in bit 32, whether the caller is a 32-bit program */
__noinline int on_parcels(u64 vector, u32 first, u32 count, u64 how)
{
	for (u32 n = 0; n < MESSAGE_ROUND; n++) {
		if (first + n >= count)
			return -1;
		/* not from within on_parcel: 5.10 counts the frames of both */
		if (on_parcel(vector, first + n, how, how >> 32))
			report_sent(false);
	}
	return 0;
}

static __always_inline int on_send(enum call call, int fd, struct sock *sk, struct pt_regs *regs,
				   bool compat, long result)
{
	struct parcel *parcel;

	if (result < 0)
		return 0;
	if (call == CALL_SENDMMSG) {
		u64 vector = argument(regs, 1, compat);

		for (u32 n = 0; n < MESSAGES; n += MESSAGE_ROUND)
			if (on_parcels(vector, n, result, fd | (u64)compat << 32) < 0)
				break;
		return 0;
	}
	parcel = new_parcel(false);
	if (!parcel)
		return 0;
	identify((void *)bpf_get_current_task(), &parcel->self);
	parcel->thread = bpf_get_current_pid_tgid();
	parcel->src = parcel->self.who;
	parcel->src_inode = sock_inode(sk);
	parcel->count = result;
	source_of_call(&parcel->source, call, regs, compat);
	if (call == CALL_SENDTO)
		parcel->name = argument(regs, 4, compat);
	else if (call == CALL_SENDMSG)
		bpf_probe_read_user(&parcel->name, compat ? 4 : 8,
				    (void *)argument(regs, 1, compat));
	if (is_inet(sk, IPPROTO_TCP) ? send_tcp(sk, parcel) : send_udp(sk, parcel, true))
		report_sent(false);
	return 0;
}

/* The current process made a socket */
__noinline int on_made_inet(int fd)
{
	struct sock *sk = sock_of(file_of(fd));

	if (is_loopback(sk))
		make(sk);
	return 0;
}

/* A socket listens */
__noinline int on_listen(int fd)
{
	struct sock *sk = sock_of(file_of(fd));
	struct port port = {};
	u64 value = (u64)sk;

	if (!is_inet(sk, IPPROTO_TCP))
		return 0;
	port.net = sock_net(sk);
	port.number = BPF_CORE_READ(sk, __sk_common.skc_num);
	bpf_map_update_elem(&listeners, &port, &value, BPF_ANY);
	return 0;
}

static __always_inline int on_ring(const struct told *told)
{
	struct completion *completion = read_completion(told, HEARER_LOOPBACK);
	struct parcel *parcel;
	struct sock *sk;

	if (!completion)
		return 0;
	sk = sock_of(completion->file);
	if (!is_loopback(sk))
		return 0;
	on_use_of_inet((u64)sk, (u64)completion->task);
	if (completion->opcode == OP_ACCEPT)
		on_use_of_inet((u64)sock_of(file_of(accepted(completion))), (u64)completion->task);
	if (!sends(completion->opcode))
		return 0;
	parcel = new_parcel(true);
	if (!parcel)
		return 0;
	identify(completion->task, &parcel->self);
	parcel->thread = bpf_get_current_pid_tgid();
	parcel->src = parcel->self.who;
	parcel->src_inode = sock_inode(sk);
	parcel->count = completion->result;
	name_of_completion(completion);
	parcel->name = completion->name_length ? completion->name : 0;
	parcel->name_copied = completion->copied;
	source_of_completion(&parcel->source, completion);
	if (is_inet(sk, IPPROTO_TCP) ? send_tcp(sk, parcel) : send_udp(sk, parcel, false))
		report_sent(true);
	return 0;
}

static __always_inline int on_enter(struct pt_regs *regs, long number)
{
	bool compat = in_compat_call();
	struct sock *sk;

	if (call_of(number, compat) != CALL_CLOSE)
		return 0;
	sk = sock_of(file_of(argument(regs, 0, compat)));
	if (is_loopback(sk))
		let_go(sk);
	return 0;
}

static __always_inline int on_return(struct pt_regs *regs, long result)
{
	bool compat = in_compat_call();
	enum call call = call_of(call_number(regs), compat);
	u64 task = bpf_get_current_task();
	struct sock *sk;
	int fd;

	if (call == CALL_URING)
		forget_deliveries(false);
	if (call == CALL_URING || call == CALL_OTHER || call == CALL_OPEN || call == CALL_CLOSE ||
	    (result < 0 && result != -EINPROGRESS))
		return 0;
	if (call == CALL_SOCKET)
		return on_made_inet(result);
	if (call == CALL_LISTEN)
		return on_listen(argument(regs, 0, compat));
	if (call == CALL_SOCKETPAIR)
		return 0;
	fd = receives_from(call, regs, compat);
	if (fd >= 0) {
		on_use_of_inet((u64)sock_of(file_of(fd)), task);
		if (call == CALL_ACCEPT)
			on_use_of_inet((u64)sock_of(file_of(result)), task);
	}
	fd = sends_to(call, regs, compat);
	sk = fd < 0 ? NULL : sock_of(file_of(fd));
	if (is_loopback(sk)) {
		on_use_of_inet((u64)sk, task);
		on_send(call, fd, sk, regs, compat, result);
		forget_deliveries(false);
	}
	return 0;
}

/* A receiver had no room for a datagram; on another's time than its sender's nobody waits for it */
SEC("?tp_btf/udp_fail_queue_rcv_skb")
int BPF_PROG(loopback_fail__any)
{
	u64 key = deliveries_of(bpf_get_current_pid_tgid(), false);
	struct delivery *delivery = bpf_map_lookup_elem(&deliveries, &key);
	struct delivery blank;

	if (!sending_socket() && call_of(current_call(), in_compat_call()) != CALL_URING)
		return 0;
	if (!delivery) {
		__builtin_memset(&blank, 0, sizeof(blank));
		blank.failed = 1;
		bpf_map_update_elem(&deliveries, &key, &blank, BPF_ANY);
	} else {
		delivery->failed++;
	}
	return 0;
}

static __always_inline int on_datagram(struct sock *sk)
{
	return on_arrival(scalar(sk));
}

SEC("?fentry/sock_def_readable")
int BPF_PROG(loopback_ready__fentry, struct sock *sk)
{
	return on_datagram(sk);
}

SEC("?kprobe/sock_def_readable")
int BPF_KPROBE(loopback_ready__kprobe, struct sock *sk)
{
	return on_datagram(sk);
}

ON_SYS_ENTER(loopback_enter__any, on_enter)
ON_SYS_EXIT(loopback_exit__any, on_return)
ON_COMPLETION(loopback_ring__any, on_ring)
ON_DATA_READY(loopback_ready__tracepoint, on_datagram)
