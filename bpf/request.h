/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * io_uring: what it moves is no system call's, so a request counts when it completes, with its
 * result. Whose it is is in the request: the task that submitted it, be it done by that task, by a worker
 * or by the thread that polls the queue.
 */
#ifndef REQUEST_H
#define REQUEST_H
#include "socket.h"

#define MORE_TO_COME 2 /* IORING_CQE_F_MORE */
#define VECTORIZED 32  /* IORING_SEND_VECTORIZED */
#define IO_RING_F_COMPAT 2048
#define SPLICE_F_FD_IN_FIXED (1U << 31)
/* IOSQE_FIXED_FILE and IOSQE_CQE_SKIP_SUCCESS, as a request has them, too */
#define FIXED_FILE (1U << 0)
#define CQE_SKIP_SUCCESS (1U << 6)
#define NAME_DATA 128

enum opcode {
	OP_READV = 1,
	OP_WRITEV = 2,
	OP_READ_FIXED = 4,
	OP_WRITE_FIXED = 5,
	OP_SENDMSG = 9,
	OP_RECVMSG = 10,
	OP_ACCEPT = 13,
	OP_CONNECT = 16,
	OP_READ = 22,
	OP_WRITE = 23,
	OP_SEND = 26,
	OP_RECV = 27,
	OP_SPLICE = 30,
	OP_SEND_ZC = 47,
	OP_SENDMSG_ZC = 48,
	OP_READ_MULTISHOT = 49,
	OP_READV_FIXED = 60,
	OP_WRITEV_FIXED = 61,
};

/* By the request; where completions do not say which, by its ring and user_data */
struct request_key {
	u64 ring;
	u64 request;
};

/* What is gone from a request by the time it completes */
struct request {
	u64 request;
	u64 base;
	u32 opcode;
	u32 segments;
	u32 mixed; /* requests under way that nothing but the completion's user_data would tell apart */
	u32 pending;
	u32 name_length;
	u32 several; /* are under way: whose contents were sent, a completion does not tell */
	u8 name[NAME_DATA];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct request_key);
	__type(value, struct request);
} requests __weak SEC(".maps");

/* Between 5.10 and 6.1 completions came to name their request */
static __always_inline bool completions_name_requests(void)
{
	return bpf_core_field_exists(((struct trace_event_raw_io_uring_complete *)0)->req);
}

static __always_inline bool sends(u32 opcode)
{
	return opcode == OP_WRITE || opcode == OP_WRITEV || opcode == OP_WRITE_FIXED ||
	       opcode == OP_WRITEV_FIXED || opcode == OP_SEND || opcode == OP_SENDMSG ||
	       opcode == OP_SEND_ZC || opcode == OP_SENDMSG_ZC || opcode == OP_SPLICE;
}

static __always_inline bool receives(u32 opcode)
{
	return opcode == OP_READ || opcode == OP_READV || opcode == OP_READ_FIXED ||
	       opcode == OP_READV_FIXED || opcode == OP_READ_MULTISHOT || opcode == OP_RECV ||
	       opcode == OP_RECVMSG;
}

static __always_inline bool is_message(u32 opcode)
{
	return opcode == OP_SENDMSG || opcode == OP_SENDMSG_ZC || opcode == OP_RECVMSG;
}

static __always_inline bool is_vector(u32 opcode)
{
	return opcode == OP_WRITEV || opcode == OP_WRITEV_FIXED;
}

/* Where a request's data are, or what describes them */
static __always_inline void locate(struct io_kiocb *request, u32 opcode, u64 *base, u32 *segments)
{
	struct io_sr_msg *message = (void *)request;
	struct io_rw *rw = (void *)request;

	if (opcode == OP_SEND || opcode == OP_SEND_ZC) {
		/* short sends that were gone on with have moved it */
		*base = (u64)BPF_CORE_READ(message, buf) - BPF_CORE_READ(message, done_io);
	} else if (is_message(opcode)) {
		*base = (u64)BPF_CORE_READ(message, umsg);
	} else {
		*base = BPF_CORE_READ(rw, addr);
		*segments = BPF_CORE_READ(rw, len);
	}
}

/* Who submitted it; since 6.13 the request names the task by way of its io_uring_task */
static __always_inline struct task_struct *submitter(struct io_kiocb *request)
{
	struct io_kiocb___tctx *new = (void *)request;

	if (bpf_core_field_exists(new->tctx))
		return BPF_CORE_READ(new, tctx, task);
	return BPF_CORE_READ((struct io_kiocb___task *)request, task);
}

/* Whether a 32-bit program set the ring up */
static __always_inline bool is_compat_ring(struct io_ring_ctx *ring)
{
	struct io_ring_ctx___flags *new = (void *)ring;

	if (bpf_core_field_exists(ring->compat))
		return BPF_CORE_READ_BITFIELD_PROBED(ring, compat);
	return BPF_CORE_READ(new, int_flags) & IO_RING_F_COMPAT;
}

/* What the tracepoint tells of a request submitted; the first two only where completions need them */
struct submission {
	u64 ring;
	u64 user_data;
	u64 request;
};

static __always_inline struct submission submission_raw(unsigned long long *ctx)
{
	struct submission submission = {};

	if (completions_name_requests()) {
		submission.request = ctx[0];
	} else {
		submission.ring = ctx[0];
		submission.request = ctx[1];
		submission.user_data = ctx[3];
	}
	return submission;
}

/* hook.h says why there are two; body(const struct submission *submission) */
#define ON_SUBMISSION(hook, body)                                                                  \
	SEC("?tp_btf/io_uring_submit_sqe")                                                         \
	int hook(unsigned long long *ctx)                                                          \
	{                                                                                          \
		struct submission submission = submission_raw(ctx);                                \
                                                                                                   \
		return body(&submission);                                                          \
	}                                                                                          \
	SEC("?tp/io_uring/io_uring_submit_req")                                                    \
	int hook##__perf(struct trace_event_raw_io_uring_submit_req *event)                        \
	{                                                                                          \
		struct submission submission = {.request = (u64)event->req};                       \
                                                                                                   \
		return body(&submission);                                                          \
	}

/* The same of a request that is woken: body(struct io_kiocb *request) */
#define ON_WAKE(hook, body)                                                                        \
	SEC("?tp_btf/io_uring_task_add")                                                           \
	int hook(unsigned long long *ctx)                                                          \
	{                                                                                          \
		return body((struct io_kiocb *)ctx[0]);                                            \
	}                                                                                          \
	SEC("?tp/io_uring/io_uring_task_add")                                                      \
	int hook##__perf(struct trace_event_raw_io_uring_task_add *event)                          \
	{                                                                                          \
		return body((struct io_kiocb *)event->req);                                        \
	}

/* A request whose completion will be told by its ring and user_data only */
static __always_inline void on_anonymous_request(const struct submission *submission)
{
	struct request_key key = {.ring = submission->ring, .request = submission->user_data};
	struct io_kiocb *io = (void *)submission->request;
	struct request fresh = {.request = (u64)io}, *known;

	fresh.opcode = BPF_CORE_READ(io, opcode);
	locate(io, fresh.opcode, &fresh.base, &fresh.segments);
	known = bpf_map_lookup_elem(&requests, &key);
	fresh.pending = 1;
	if (known && known->pending) {
		struct io_kiocb *other = (void *)known->request;

		fresh.pending += known->pending;
		fresh.several = 1;
		fresh.mixed = known->mixed || known->opcode != fresh.opcode ||
			      BPF_CORE_READ(other, file) != BPF_CORE_READ(io, file);
	}
	bpf_map_update_elem(&requests, &key, &fresh, BPF_ANY);
}

/* The address of a send: since 6.13 only where the request is prepared */
static __always_inline void on_addressed_request(struct io_kiocb *io)
{
	struct request_key key = {.request = (u64)io};
	struct io_async_msghdr *prepared;
	struct request fresh = {};
	u32 length;
	void *name;

	fresh.opcode = BPF_CORE_READ(io, opcode);
	if (fresh.opcode != OP_SEND && fresh.opcode != OP_SEND_ZC)
		return;
	prepared = BPF_CORE_READ(io, async_data);
	if (!prepared)
		return;
	name = BPF_CORE_READ(prepared, msg.msg_name);
	length = BPF_CORE_READ(prepared, msg.msg_namelen);
	if (!name || length > NAME_DATA) {
		bpf_map_delete_elem(&requests, &key);
		return;
	}
	fresh.name_length = length;
	bpf_probe_read_kernel(fresh.name, sizeof(fresh.name), name);
	bpf_map_update_elem(&requests, &key, &fresh, BPF_ANY);
}

/* The request that a completion is of, where it does not say so; NULL: not known, or not for sure */
static __always_inline struct request *find_anonymous(u64 ring, u64 user_data, u32 flags)
{
	struct request_key key = {.ring = ring, .request = user_data};
	struct request *known = bpf_map_lookup_elem(&requests, &key);

	if (!known || !known->pending)
		return NULL;
	if (!(flags & MORE_TO_COME))
		known->pending--;
	return known;
}

#endif
