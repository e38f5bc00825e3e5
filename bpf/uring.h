/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * io_uring: what it moves is no system call's, so a request counts when it completes, with its
 * result. Whose it is is in the request: whoever submitted it, be it done by that task, by a worker
 * or by the thread that polls the queue.
 */
#ifndef URING_H
#define URING_H
#include "socket.h"

#define MORE_TO_COME 2 /* IORING_CQE_F_MORE */
#define VECTORIZED 32  /* IORING_SEND_VECTORIZED */
#define IO_RING_F_COMPAT 2048
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

/* Programs that hear of completions, each on its own */
enum hearer { HEARER_UNIX, HEARER_LOOPBACK, HEARER_PTY, HEARERS };

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
	u32 pending[HEARERS];
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

/* A request that completed; in a map, for frames of 512 bytes are all that a chain of calls has */
struct completion {
	struct io_kiocb *request;
	struct file *file;
	struct task_struct *task;
	u64 base; /* of the data, of a vector or of a struct msghdr, in user memory */
	u64 name; /* sockaddr */
	u32 name_length;
	u32 copied; /* the name is in kernel memory */
	u32 segments;
	u32 opcode;
	u32 compat;
	u32 readable; /* user memory is the submitter's, and the request still says where in it */
	s32 result;
	u32 vectorized;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HEARERS);
	__type(key, u32);
	__type(value, struct completion);
} completions __weak SEC(".maps");

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

/* Whether there is a program that takes completions off those that are pending */
static __always_inline bool hears(enum hearer hearer)
{
	if (hearer == HEARER_UNIX)
		return traces(KIND_UNIX_STREAM) || traces(KIND_UNIX_DGRAM) ||
		       traces(KIND_UNIX_SEQPACKET);
	if (hearer == HEARER_LOOPBACK)
		return traces(KIND_LOOPBACK_TCP) || traces(KIND_LOOPBACK_UDP);
	return traces(KIND_PTY);
}

/* Whether what all of them hear is for this one to count */
static __always_inline bool is_first_hearer(enum hearer hearer)
{
	return hearer == HEARER_UNIX || (hearer == HEARER_LOOPBACK && !hears(HEARER_UNIX)) ||
	       (!hears(HEARER_UNIX) && !hears(HEARER_LOOPBACK));
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

/* A request whose completion will be told by its ring and user_data only */
static __always_inline void on_anonymous_request(const struct submission *submission)
{
	struct request_key key = {.ring = submission->ring, .request = submission->user_data};
	struct io_kiocb *io = (void *)submission->request;
	struct request fresh = {.request = (u64)io}, *known;

	fresh.opcode = BPF_CORE_READ(io, opcode);
	locate(io, fresh.opcode, &fresh.base, &fresh.segments);
	known = bpf_map_lookup_elem(&requests, &key);
	for (int i = 0; i < HEARERS; i++) {
		u32 before = known && hears(i) ? known->pending[i] : 0;

		fresh.pending[i] = 1 + before;
		if (before)
			fresh.several = 1;
	}
	if (fresh.several) {
		struct io_kiocb *other = (void *)known->request;

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
static __always_inline struct request *find_anonymous(u64 ring, u64 user_data, enum hearer hearer,
						      u32 flags)
{
	struct request_key key = {.ring = ring, .request = user_data};
	struct request *known = bpf_map_lookup_elem(&requests, &key);

	if (!known || !known->pending[hearer])
		return NULL;
	if (!(flags & MORE_TO_COME))
		known->pending[hearer]--;
	return known;
}

/* What the tracepoint tells of a completion */
struct told {
	u64 ring;
	u64 request; /* or, where it does not name that, its user_data */
	s32 result;
	u32 flags;
};

static __always_inline struct told told_raw(unsigned long long *ctx)
{
	struct told told = {.ring = ctx[0], .request = ctx[1]};

	if (!completions_name_requests()) {
		told.result = ctx[2];
		told.flags = ctx[3];
	} else if (bpf_core_enum_value_exists(enum io_uring_register_op, IORING_REGISTER_QUERY)) {
		/* the tracepoint was given the entry instead of its fields in the same version, 6.18 */
		told.result = BPF_CORE_READ((struct io_uring_cqe *)ctx[2], res);
	} else {
		told.result = ctx[3];
	}
	return told;
}

/* hook.h says why there are two; body(const struct told *told) */
#define ON_COMPLETION(hook, body)                                                                  \
	SEC("?tp_btf/io_uring_complete")                                                           \
	int hook(unsigned long long *ctx)                                                          \
	{                                                                                          \
		struct told told = told_raw(ctx);                                                  \
                                                                                                   \
		return body(&told);                                                                \
	}                                                                                          \
	SEC("?tp/io_uring/io_uring_complete")                                                      \
	int hook##__perf(struct trace_event_raw_io_uring_complete *event)                          \
	{                                                                                          \
		struct told told = {.request = (u64)event->req, .result = event->res};             \
                                                                                                   \
		return body(&told);                                                                \
	}

/* The request that completed; NULL: nothing was moved */
static __always_inline struct completion *read_completion(const struct told *told,
							  enum hearer hearer)
{
	u32 key = hearer;
	struct completion *completion = bpf_map_lookup_elem(&completions, &key);
	struct request *known = NULL;
	struct io_sr_msg *message;
	struct task_struct *task;
	struct io_kiocb *io;

	if (!completion)
		return NULL;
	__builtin_memset(completion, 0, sizeof(*completion));
	completion->result = told->result;
	if (completions_name_requests()) {
		io = (void *)told->request;
	} else {
		known = find_anonymous(told->ring, told->request, hearer, told->flags);
		if (!known)
			return NULL;
		io = (void *)known->request;
		completion->opcode = known->opcode;
		completion->base = known->base;
		completion->segments = known->segments;
		if (known->mixed) {
			/* of several requests with one user_data: which of them, nobody can tell */
			if (completion->result > 0 && is_first_hearer(hearer))
				count_lost(KIND_UNKNOWN, LOST_FAULT, 1);
			return NULL;
		}
	}
	if (!io || completion->result < 0)
		return NULL;
	if (completions_name_requests())
		completion->opcode = BPF_CORE_READ(io, opcode);
	if (!sends(completion->opcode) && !receives(completion->opcode) &&
	    completion->opcode != OP_ACCEPT && completion->opcode != OP_CONNECT)
		return NULL;
	completion->request = io;
	completion->file = BPF_CORE_READ(io, file);
	task = submitter(io);
	completion->task = task;
	completion->compat = is_compat_ring(BPF_CORE_READ(io, ctx));
	completion->readable = BPF_CORE_READ(task, tgid) == bpf_get_current_pid_tgid() >> 32 &&
			       !(known && known->several);
	if (!completions_name_requests())
		return completion;
	locate(io, completion->opcode, &completion->base, &completion->segments);
	if (completion->opcode != OP_SEND && completion->opcode != OP_SEND_ZC)
		return completion;
	message = (void *)io;
	completion->vectorized = BPF_CORE_READ(message, flags) & VECTORIZED;
	if (bpf_core_field_exists(message->addr)) {
		completion->name = (u64)BPF_CORE_READ(message, addr);
		completion->name_length = BPF_CORE_READ(message, addr_len);
	} else {
		struct request_key key = {.request = (u64)io};

		known = bpf_map_lookup_elem(&requests, &key);
		if (known && known->name_length) {
			completion->name = (u64)known->name;
			completion->name_length = known->name_length;
			completion->copied = true;
		}
	}
	return completion;
}

/* What a request has sent */
static __always_inline void source_of_completion(struct source *source,
						 struct completion *completion)
{
	if (!completion->readable || completion->opcode == OP_SPLICE)
		return;
	if (is_message(completion->opcode)) {
		source_of_message(source, completion->base, completion->compat);
	} else if (is_vector(completion->opcode) || completion->vectorized) {
		source->kind = completion->compat ? SOURCE_COMPAT_SEGMENTS : SOURCE_USER_SEGMENTS;
		source->segments = completion->base;
		source->segment_count = completion->vectorized ? 1024 : completion->segments;
	} else {
		source->kind = SOURCE_BUFFER;
		source->base = completion->base;
		source->length = completion->result;
	}
}

/* Where a request has sent it, if it says so */
static __always_inline void name_of_completion(struct completion *completion)
{
	u64 message = completion->base;

	if (!completion->readable) {
		completion->name = completion->copied ? completion->name : 0;
		return;
	}
	if (completion->opcode != OP_SENDMSG && completion->opcode != OP_SENDMSG_ZC)
		return;
	bpf_probe_read_user(&completion->name, completion->compat ? 4 : 8, (void *)message);
	bpf_probe_read_user(&completion->name_length, 4,
			    (void *)(message + (completion->compat ? 4 : 8)));
}

/* The descriptor that an accept has made; -1: none, but an entry in a table of the ring's own */
static __always_inline int accepted(struct completion *completion)
{
	struct io_accept *accept = (void *)completion->request;

	if (completion->opcode != OP_ACCEPT || !completion->readable ||
	    BPF_CORE_READ(accept, file_slot))
		return -1;
	return completion->result;
}

#endif
