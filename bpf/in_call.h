/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Datagrams that were queued at their receivers within the sender's own call. */
#ifndef IN_CALL_H
#define IN_CALL_H
#include "socket.h"

#define DELIVERIES 32
#define UNSEEN ((u32)-1)
#define PF_IO_WORKER 0x10

/* From where to where a UDP datagram is as its receiver sees it; ports in host order, 0: not known */
struct header {
	u8 src_address[16];
	u8 dst_address[16];
	u16 src_port;
	u16 dst_port;
	u32 reserved;
};

/* Sockets a message was queued at during the current system call of a thread, or the message of it that is sent now */
struct in_call {
	u64 born; /* when the thread was */
	u32 count;
	u32 failed; /* receivers that had no room */
	u64 sender; /* the socket whose message it is, where functions tell */
	u64 socks[DELIVERIES];
	/* as they were queued; UNSEEN: not known, perhaps as they were sent */
	u32 lengths[DELIVERIES];
	struct header header;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct in_call);
} in_call_deliveries __weak SEC(".maps");

/* Too large for the stack */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct in_call);
} blank_in_call __weak SEC(".maps");

/* Unix sockets' and UDP's are kept apart */
static __always_inline u64 in_call_key(bool local)
{
	return (u32)bpf_get_current_pid_tgid() | (u64)local << 32;
}

static __always_inline u64 thread_born(void)
{
	return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), start_boottime);
}

static __always_inline void forget_in_call(bool local)
{
	u64 key = in_call_key(local);

	bpf_map_delete_elem(&in_call_deliveries, &key);
}

/*
 * What is known of the current thread's call so far; NULL: nothing. A worker of io_uring makes no system call that ends
 * its own, which another thread with that number must not inherit.
 */
static __always_inline struct in_call *find_this_call(bool local)
{
	u64 key = in_call_key(local);
	struct in_call *in_call = bpf_map_lookup_elem(&in_call_deliveries, &key);

	return in_call && in_call->born == thread_born() ? in_call : NULL;
}

/* The same, or room for it */
static __always_inline struct in_call *this_call(bool local)
{
	u64 key = in_call_key(local);
	struct in_call *in_call = find_this_call(local), *blank;
	u32 zero = 0;

	if (in_call)
		return in_call;
	blank = bpf_map_lookup_elem(&blank_in_call, &zero);
	if (!blank)
		return NULL;
	bpf_map_update_elem(&in_call_deliveries, &key, blank, BPF_ANY);
	in_call = bpf_map_lookup_elem(&in_call_deliveries, &key);
	if (in_call)
		in_call->born = thread_born();
	return in_call;
}

/* A datagram was queued at a unix (`local`) or UDP socket by the call that the current thread is in; NULL: there is no room */
static __always_inline struct in_call *note_in_call(struct sock *sk, bool local, u32 length)
{
	struct in_call *in_call = this_call(local);
	u32 n;

	if (!in_call)
		return NULL;
	n = in_call->count;
	/* nothing ends those of a worker of io_uring */
	if (n >= DELIVERIES &&
	    (BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), flags) & PF_IO_WORKER))
		n = 0;
	if (n >= DELIVERIES)
		return NULL;
	in_call->socks[n & (DELIVERIES - 1)] = (u64)sk;
	in_call->lengths[n & (DELIVERIES - 1)] = length;
	in_call->count = n + 1;
	return in_call;
}

#endif
