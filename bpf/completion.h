/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Requests of io_uring that completed: what they moved, of which file, for whom. */
#ifndef COMPLETION_H
#define COMPLETION_H
#include "multishot.h"

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
	u32 multishot;
	u32 spliced; /* what it took went to a pipe */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct completion);
} completions __weak SEC(".maps");

/* What the tracepoint tells of a completion */
struct cqe {
	u64 ring;
	u64 request; /* or, where it does not name that, 0 */
	u64 user_data;
	s32 result;
	u32 flags;
};

static __always_inline struct cqe cqe_raw(unsigned long long *ctx)
{
	struct cqe cqe = {.ring = ctx[0]};
	struct io_uring_cqe *entry;

	if (!completions_name_requests()) {
		cqe.user_data = ctx[1];
		cqe.result = ctx[2];
		cqe.flags = ctx[3];
		return cqe;
	}
	cqe.request = ctx[1];
	if (bpf_core_enum_value_exists(enum io_uring_register_op, IORING_REGISTER_QUERY)) {
		/* the tracepoint was given the entry instead of its fields in the same version, 6.18 */
		entry = (void *)ctx[2];
		cqe.user_data = BPF_CORE_READ(entry, user_data);
		cqe.result = BPF_CORE_READ(entry, res);
		cqe.flags = BPF_CORE_READ(entry, flags);
	} else {
		cqe.user_data = ctx[2];
		cqe.result = ctx[3];
		cqe.flags = ctx[4];
	}
	return cqe;
}

/* hook.h says why there are two; body(const struct cqe *cqe) */
#define ON_COMPLETION(hook, body)                                                                  \
	SEC("?tp_btf/io_uring_complete")                                                           \
	int hook(unsigned long long *ctx)                                                          \
	{                                                                                          \
		struct cqe cqe = cqe_raw(ctx);                                                     \
                                                                                                   \
		return and_who(body(&cqe));                                                        \
	}                                                                                          \
	SEC("?tp/io_uring/io_uring_complete")                                                      \
	int hook##__perf(struct trace_event_raw_io_uring_complete *event)                          \
	{                                                                                          \
		struct cqe cqe = {                                                                 \
			.ring = (u64)event->ctx,                                                   \
			.request = (u64)event->req,                                                \
			.user_data = event->user_data,                                             \
			.result = event->res,                                                      \
			.flags = event->cflags,                                                    \
		};                                                                                 \
                                                                                                   \
		return and_who(body(&cqe));                                                        \
	}

/* The request that is being looked at on this CPU */
static __always_inline struct completion *current_completion(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&completions, &zero);
}

/* The request that completed; NULL: nothing was moved */
static __always_inline struct completion *read_completion(const struct cqe *cqe)
{
	struct completion *completion = current_completion();
	struct request *known = NULL;
	struct io_sr_msg *message;
	struct task_struct *task;
	struct io_kiocb *io;

	if (!completion)
		return NULL;
	__builtin_memset(completion, 0, sizeof(*completion));
	completion->result = cqe->result;
	if (completions_name_requests()) {
		io = (void *)cqe->request;
		if (!io && cqe->flags & MORE_TO_COME)
			io = find_multishot(cqe->ring, cqe->user_data);
		else if (io && !(cqe->flags & MORE_TO_COME))
			forget_multishot(io, cqe->ring, cqe->user_data);
	} else {
		known = find_anonymous(cqe->ring, cqe->user_data, cqe->flags);
		if (!known)
			return NULL;
		io = (void *)known->request;
		completion->opcode = known->opcode;
		completion->base = known->base;
		completion->segments = known->segments;
		if (known->mixed) {
			/* of several requests with one user_data: which of them, nobody can tell */
			if (completion->result > 0)
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
	completion->multishot = is_multishot(io);
	if (completion->multishot && completion->opcode == OP_RECVMSG)
		completion->result = bytes_of_message(io, completion->result);
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
static __always_inline void iov_of_completion(struct user_iov *iov, struct completion *completion)
{
	if (!completion->readable || completion->opcode == OP_SPLICE)
		return;
	if (is_message(completion->opcode)) {
		iov_of_message(iov, completion->base, completion->compat);
	} else if (is_vector(completion->opcode) || completion->vectorized) {
		iov->kind = completion->compat ? IOV_COMPAT_SEGMENTS : IOV_USER_SEGMENTS;
		iov->segments = completion->base;
		iov->segment_count = completion->vectorized ? 1024 : completion->segments;
	} else {
		iov->kind = IOV_BUFFER;
		iov->base = completion->base;
		iov->length = completion->result;
	}
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
