/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Unix sockets: one event per send system call, in the sender's own context, at its return, or per
 * request of io_uring at its completion. The
 * receiver is the peer's holder; for datagrams without a peer the socket whose sk_data_ready ran
 * during the call, or, where that can't be hooked, the address the datagram went to.
 */
#include "address.h"
#include "hook.h"
#include "uring.h"

#define MESSAGES 1024
#define MESSAGE_ROUND 32

ANCHOR(struct, use_record);
ANCHOR(struct, address_record);
ANCHOR(struct, unix_record);

/* One message, or the bytes of one call, to be reported */
struct sending {
	struct sock *sk;
	struct sock *other;
	u64 inode;
	u64 destination; /* user pointer to a sockaddr, for what has no other end that is known */
	u32 destination_length;
	u32 destination_copied; /* the pointer is the kernel's */
	u32 count;
	u32 thread;
	u32 type;
	u32 reserved;
	struct process src;
	struct source source;
	struct identity self;
};

/* In a map for report() to be a global function; one for each program that sends, as payload.h says */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct sending);
} sendings SEC(".maps");

static __always_inline struct sending *new_sending(u32 by_ring)
{
	struct sending *sending = bpf_map_lookup_elem(&sendings, &by_ring);

	if (sending)
		__builtin_memset(sending, 0, sizeof(*sending));
	return sending;
}

/* Whether all descriptors of a socket are on their way by SCM_RIGHTS */
static __always_inline bool is_unheld(struct sock *sk)
{
	struct unix_sock *socket = (void *)sk;
	struct unix_sock___inflight *old = (void *)sk;
	struct file *file = BPF_CORE_READ(sk, sk_socket, file);
	u64 passed = 0;

	if (bpf_core_field_exists(socket->vertex)) {
		struct unix_vertex *vertex = BPF_CORE_READ(socket, vertex);

		if (vertex)
			passed = BPF_CORE_READ(vertex, out_degree);
	} else if (bpf_core_field_exists(old->inflight)) {
		passed = BPF_CORE_READ(old, inflight);
	}
	return passed && file && references(file) <= passed;
}

/* Reports what is in `sendings` */
__noinline int report_sending(u32 by_ring)
{
	u32 flags = 0;
	struct sending *sending = bpf_map_lookup_elem(&sendings, &by_ring);
	u64 dst_inode = 0, address = 0;
	struct process dst = {};
	struct unix_record *record;
	struct sock *sk, *other;
	enum kind kind;

	if (!sending)
		return 0;
	sk = sending->sk;
	other = sending->other;
	kind = sending->type == SOCK_STREAM  ? KIND_UNIX_STREAM
	       : sending->type == SOCK_DGRAM ? KIND_UNIX_DGRAM
					     : KIND_UNIX_SEQPACKET;
	if (!traces(kind))
		return 0;
	if (other)
		dst_inode = sock_inode(other);
	if (other)
		dst = owner_of(other, dst_inode, sending->type == SOCK_DGRAM ? 0 : sending->inode);
	if (sending->src.tgid == config.own_tgid || dst.tgid == config.own_tgid)
		return 0;
	if (!admit(&sending->self, &dst))
		return 0;
	if (sending->type == SOCK_DGRAM) {
		if (mention_address(sk, sending->inode))
			address = sending->inode;
		else if (other && mention_address(other, dst_inode))
			address = dst_inode;
	} else if (other) {
		/* both ends bound: that of the one accepted, which is the later, in both directions */
		bool later = !dst_inode || dst_inode > sending->inode;
		struct sock *first = later ? other : sk, *second = later ? sk : other;

		if (mention_address(first, sending->inode) ||
		    mention_address(second, sending->inode))
			address = sending->inode;
	}
	if (address)
		flags |= SEND_BOUND;
	if (dst_inode && !dst.tgid && is_unheld(other))
		flags |= SEND_UNHELD;
	if (!other && sending->destination && sending->destination_length > sizeof(u16)) {
		flags |= SEND_TO_ADDRESS | SEND_BOUND;
		address = bpf_ktime_get_ns() | (1ULL << 63);
		send_address(address, (void *)sending->destination + sizeof(u16),
			     sending->destination_length - sizeof(u16),
			     !sending->destination_copied);
	}
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(kind, LOST_RING_FULL, 1);
		return 0;
	}
	begin_event(&record->event, kind, flags, sending->src, dst, sending->count);
	record->src_inode = sending->inode;
	record->dst_inode = dst_inode;
	record->dst_sock = (u64)other;
	record->address = address;
	record->net = sock_net(sk);
	record->reserved = 0;
	record->event.captured = capture(by_ring ? SLOT_UNIX_RING : SLOT_UNIX, &sending->source,
					 wanted_of(sending->count), record->event.thread);
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}

static __always_inline bool is_unix(struct sock *sk)
{
	return sk && BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX;
}

/*
 * A process uses a socket, or has received it by SCM_RIGHTS. A function of its own, for its frame is
 * not to lie below report_sending's.
 */
__noinline int on_use(u64 socket, u64 task, u32 received)
{
	struct sock *sk = (void *)socket, *peer;
	struct identity self = {};

	if (!sk)
		return 0;
	peer = is_unix(sk) ? unix_peer(sk) : NULL;
	identify((void *)task, &self);
	use(sk, sock_inode(sk), peer ? sock_inode(peer) : 0, &self, received);
	return 0;
}

static __always_inline bool on_right(u64 header, u64 size, u64 at)
{
	int fd = -1;

	if (at + sizeof(fd) > size || bpf_probe_read_user(&fd, sizeof(fd), (void *)(header + at)))
		return false;
	on_use((u64)sock_of(file_of(fd)), bpf_get_current_task(), true);
	return true;
}

/* The descriptors in one control message at `header` of `size` bytes */
__noinline int on_rights(u64 header, u64 size, u32 head)
{
	repeat_while(i, SCM_MAX_FD, on_right(header, size, head + (u64)i * sizeof(int)));
	return 0;
}

/* The control messages of a message received */
static __always_inline void on_control(u64 message, bool compat)
{
	u64 control = 0, length = 0;

	if (compat) {
		u32 fields[6] = {};

		bpf_probe_read_user(fields, sizeof(fields), (void *)message);
		control = fields[4];
		length = fields[5];
	} else {
		u64 fields[6] = {};

		bpf_probe_read_user(fields, sizeof(fields), (void *)message);
		control = fields[4];
		length = fields[5];
	}
	for (int i = 0; i < 4; i++) {
		u64 size = 0, kind = 0;
		u32 head = compat ? 12 : 16;

		if (length < head)
			return;
		bpf_probe_read_user(&size, compat ? 4 : 8, (void *)control);
		bpf_probe_read_user(&kind, sizeof(kind), (void *)(control + (compat ? 4 : 8)));
		if (size < head || size > length)
			return;
		if (kind == ((u64)SCM_RIGHTS << 32 | SOL_SOCKET))
			on_rights(control, size, head);
		size = (size + (compat ? 3 : 7)) & ~(compat ? 3ULL : 7ULL);
		if (size > length)
			return;
		control += size;
		length -= size;
	}
}

/* Who gets a datagram that has no peer to go to: the n-th this thread's call delivered */
static __always_inline struct sock *delivered(u32 thread, u32 n)
{
	u64 key = deliveries_of(thread, true);
	struct delivery *delivery = bpf_map_lookup_elem(&deliveries, &key);

	if (!delivery || n >= delivery->count || n >= DELIVERIES)
		return NULL;
	barrier_var(n);
	return (struct sock *)delivery->socks[n & (DELIVERIES - 1)];
}

/* The n-th message of a call goes to the address it names, else to the peer */
static __always_inline void find_receiver(struct sending *sending, u32 n)
{
	bool addressed =
		sending->type == SOCK_DGRAM && sending->destination && sending->destination_length;

	sending->other = addressed ? delivered(sending->thread, n) : unix_peer(sending->sk);
	if (!addressed)
		sending->destination = 0;
}

/* The n-th message of a sendmmsg; 1: to be reported */
__noinline int on_message(u64 vector, u32 n, int fd, u32 compat)
{
	u64 message = vector + (u64)n * (compat ? 32 : 64), name = 0;
	u32 thread = bpf_get_current_pid_tgid();
	struct sending *sending = new_sending(false);
	struct sock *sk = sock_of(file_of(fd));

	if (!sending || !is_unix(sk))
		return 0;
	identify((void *)bpf_get_current_task(), &sending->self);
	sending->thread = thread;
	sending->sk = sk;
	sending->src = sending->self.who;
	sending->inode = sock_inode(sk);
	sending->type = BPF_CORE_READ(sk, sk_type);
	bpf_probe_read_user(&name, compat ? 4 : 8, (void *)message);
	sending->destination = name;
	bpf_probe_read_user(&sending->destination_length, 4, (void *)(message + (compat ? 4 : 8)));
	find_receiver(sending, n);
	bpf_probe_read_user(&sending->count, 4, (void *)(message + (compat ? 28 : 56)));
	source_of_message(&sending->source, message, compat);
	return 1;
}

/* A round of them; -1: that was all. A descriptor and, in bit 32, whether the caller is a 32-bit program */
__noinline int on_messages(u64 vector, u32 first, u32 count, u64 how)
{
	for (u32 n = 0; n < MESSAGE_ROUND; n++) {
		if (first + n >= count)
			return -1;
		/* not from within on_message: 5.10 counts the frames of both */
		if (on_message(vector, first + n, how, how >> 32))
			report_sending(false);
	}
	return 0;
}

/* true: what is in `sendings` is to be reported */
static __always_inline bool on_send(enum call call, int fd, struct sock *sk, struct pt_regs *regs,
				    bool compat, long result)
{
	struct sending *sending = new_sending(false);
	u32 type = BPF_CORE_READ(sk, sk_type);

	/* a stream has no messages: nothing sent is no event */
	if (!sending || result < 0 || (result == 0 && (type == SOCK_STREAM || call == CALL_SPLICE)))
		return false;
	if (call == CALL_SENDMMSG) {
		u64 vector = argument(regs, 1, compat);

		for (u32 n = 0; n < MESSAGES; n += MESSAGE_ROUND)
			if (on_messages(vector, n, result, fd | (u64)compat << 32) < 0)
				break;
		return false;
	}
	sending->sk = sk;
	identify((void *)bpf_get_current_task(), &sending->self);
	sending->src = sending->self.who;
	sending->count = result;
	sending->type = type;
	sending->thread = bpf_get_current_pid_tgid();
	sending->inode = sock_inode(sk);
	if (call == CALL_SENDTO) {
		sending->destination = argument(regs, 4, compat);
		sending->destination_length = argument(regs, 5, compat);
	} else if (call == CALL_SENDMSG) {
		u64 message = argument(regs, 1, compat);

		bpf_probe_read_user(&sending->destination, compat ? 4 : 8, (void *)message);
		bpf_probe_read_user(&sending->destination_length, 4,
				    (void *)(message + (compat ? 4 : 8)));
	}
	find_receiver(sending, 0);
	source_of_call(&sending->source, call, regs, compat);
	return true;
}

/* The current process made a socket, or a pair of them */
__noinline int on_made(u32 call, int fd, u64 descriptors)
{
	struct sock *sk;
	int pair[2];

	if (call == CALL_SOCKETPAIR &&
	    !bpf_probe_read_user(pair, sizeof(pair), (void *)descriptors)) {
		for (int i = 0; i < 2; i++) {
			sk = sock_of(file_of(pair[i]));
			if (is_unix(sk))
				make(sk);
		}
		return 0;
	}
	sk = sock_of(file_of(fd));
	if (is_unix(sk))
		make(sk);
	return 0;
}

/* Two spellings of an address, and whose they are; in a map for the reason that payload.h gives */
struct spelling {
	u8 sent_to[ADDRESS_DATA];
	u8 bound_to[ADDRESS_DATA];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct spelling);
} spellings SEC(".maps");

/* Whether a socket is bound to what is the same, letter by letter, as the bytes behind a sun_family */
__noinline int is_bound_to(u64 socket, u64 name, u32 length, u32 copied)
{
	u32 zero = 0;
	struct spelling *spelling = bpf_map_lookup_elem(&spellings, &zero);
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)socket, addr);
	const void *bound =
		(void *)address + bpf_core_field_offset(struct unix_address, name) + sizeof(u16);
	bool abstract;

	if (!spelling || !address || !length || length > ADDRESS_DATA)
		return 0;
	__builtin_memset(spelling, 0, sizeof(*spelling));
	barrier_var(length);
	if (length > ADDRESS_DATA)
		return 0;
	if (copied)
		bpf_probe_read_kernel(spelling->sent_to, length, (void *)name);
	else
		bpf_probe_read_user(spelling->sent_to, length, (void *)name);
	abstract = !spelling->sent_to[0];
	if (abstract) {
		if (BPF_CORE_READ(address, len) - sizeof(u16) != length)
			return 0;
		bpf_probe_read_kernel(spelling->bound_to, length, bound);
	} else {
		bpf_probe_read_kernel_str(spelling->bound_to, ADDRESS_DATA, bound);
	}
	for (int i = 0; i < ADDRESS_DATA; i++) {
		barrier();
		if (spelling->sent_to[i] != spelling->bound_to[i])
			return 0;
		if (!abstract && !spelling->sent_to[i])
			return 1;
	}
	return 1;
}

/*
 * Who got the datagram of a request: of the sockets that this thread delivered to, the one bound to
 * where it was sent. What other requests delivered may be among them.
 */
__noinline int find_delivery(u32 thread)
{
	u32 by_ring = true;
	struct sending *sending = bpf_map_lookup_elem(&sendings, &by_ring);
	u64 key = deliveries_of(thread, true);
	struct delivery *delivery = bpf_map_lookup_elem(&deliveries, &key);

	if (!sending || !delivery || sending->destination_length <= sizeof(u16))
		return 0;
	for (u32 i = 0; i < DELIVERIES; i++) {
		u64 socket = delivery->socks[i];

		barrier();
		if (!socket || !is_bound_to(socket, sending->destination + sizeof(u16),
					    sending->destination_length - sizeof(u16),
					    sending->destination_copied))
			continue;
		sending->other = (struct sock *)socket;
		delivery->socks[i] = 0;
		return 1;
	}
	return 0;
}

/* A request of io_uring that completed; 1: what is in `sendings` is to be reported */
static __always_inline bool on_completion(struct completion *completion, struct sock *sk)
{
	struct sending *sending = new_sending(true);
	u32 type = BPF_CORE_READ(sk, sk_type);

	if (!sending ||
	    (!completion->result && (type == SOCK_STREAM || completion->opcode == OP_SPLICE)))
		return false;
	identify(completion->task, &sending->self);
	sending->sk = sk;
	sending->src = sending->self.who;
	sending->count = completion->result;
	sending->type = type;
	sending->thread = bpf_get_current_pid_tgid();
	sending->inode = sock_inode(sk);
	name_of_completion(completion);
	source_of_completion(&sending->source, completion);
	if (type == SOCK_DGRAM && completion->name && completion->name_length) {
		sending->destination = completion->name;
		sending->destination_length = completion->name_length;
		sending->destination_copied = completion->copied;
		find_delivery(sending->thread);
	} else {
		sending->other = unix_peer(sk);
	}
	return true;
}

static __always_inline int on_ring(const struct told *told)
{
	struct completion *completion = read_completion(told, HEARER_UNIX);
	struct sock *sk;

	if (!completion)
		return 0;
	sk = sock_of(completion->file);
	if (!is_unix(sk))
		return 0;
	on_use((u64)sk, (u64)completion->task, false);
	if (completion->opcode == OP_ACCEPT)
		on_use((u64)sock_of(file_of(accepted(completion))), (u64)completion->task, false);
	else if (completion->opcode == OP_RECVMSG && completion->readable)
		on_control(completion->base, completion->compat);
	else if (sends(completion->opcode) && on_completion(completion, sk))
		report_sending(true);
	return 0;
}

static __always_inline int on_enter(struct pt_regs *regs, long number)
{
	bool compat = in_compat_call();
	struct sock *sk;

	if (call_of(number, compat) != CALL_CLOSE)
		return 0;
	sk = sock_of(file_of(argument(regs, 0, compat)));
	if (is_unix(sk))
		let_go(sk);
	return 0;
}

static __always_inline int on_return(struct pt_regs *regs, long result)
{
	bool compat = in_compat_call();
	enum call call = call_of(call_number(regs), compat);
	struct sock *sk;
	int fd;

	if (call == CALL_URING)
		forget_deliveries(true);
	if (call == CALL_URING || call == CALL_OTHER || call == CALL_OPEN || call == CALL_CLOSE ||
	    (result < 0 && result != -EINPROGRESS))
		return 0;
	if (call == CALL_LISTEN)
		return 0;
	if (call == CALL_SOCKET || call == CALL_SOCKETPAIR)
		return on_made(call, result, argument(regs, 3, compat));
	fd = receives_from(call, regs, compat);
	sk = fd < 0 ? NULL : sock_of(file_of(fd));
	if (is_unix(sk)) {
		on_use((u64)sk, bpf_get_current_task(), false);
		if (call == CALL_ACCEPT)
			on_use((u64)sock_of(file_of(result)), bpf_get_current_task(), false);
		else if (call == CALL_RECVMSG)
			on_control(argument(regs, 1, compat), compat);
	}
	fd = sends_to(call, regs, compat);
	sk = fd < 0 ? NULL : sock_of(file_of(fd));
	if (is_unix(sk)) {
		on_use((u64)sk, bpf_get_current_task(), false);
		if (on_send(call, fd, sk, regs, compat, result))
			report_sending(false);
		forget_deliveries(true);
	}
	return 0;
}

static __always_inline int on_datagram(struct sock *sk)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX &&
	    BPF_CORE_READ(sk, sk_type) == SOCK_DGRAM)
		note_delivery(sk, true);
	return 0;
}

SEC("?fentry/sock_def_readable")
int BPF_PROG(unix_ready__fentry, struct sock *sk)
{
	return on_datagram(sk);
}

SEC("?kprobe/sock_def_readable")
int BPF_KPROBE(unix_ready__kprobe, struct sock *sk)
{
	return on_datagram(sk);
}

ON_SYS_ENTER(unix_enter__any, on_enter)
ON_SYS_EXIT(unix_exit__any, on_return)
ON_COMPLETION(unix_ring__any, on_ring)
ON_DATA_READY(unix_ready__tracepoint, on_datagram)
