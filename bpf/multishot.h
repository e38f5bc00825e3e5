/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Requests of io_uring that stay and complete once for each receive or accept. All those completions but the last name
 * no request, only its ring and user_data. So which request has these is noted when it is submitted, and whenever it is
 * woken, for it may have been submitted before tracing.
 */
#ifndef MULTISHOT_H
#define MULTISHOT_H
#include "request.h"

#define RECV_MULTISHOT 2 /* IORING_RECV_MULTISHOT */

struct multishot {
	u64 request;
	u32 ambiguous; /* several are under way that nothing but their user_data would tell apart */
	u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct request_key);
	__type(value, struct multishot);
} multishots __weak SEC(".maps");

/* Whether it may complete many times; of an accept nothing says it before 6.10 */
static __always_inline bool is_multishot(struct io_kiocb *io)
{
	struct io_sr_msg *message = (void *)io;
	u32 opcode = BPF_CORE_READ(io, opcode);

	if (opcode == OP_RECV || opcode == OP_RECVMSG)
		return BPF_CORE_READ(message, flags) & RECV_MULTISHOT;
	return opcode == OP_READ_MULTISHOT || opcode == OP_ACCEPT;
}

static __always_inline bool has_key(struct io_kiocb *io, const struct request_key *key)
{
	return (u64)BPF_CORE_READ(io, ctx) == key->ring &&
	       BPF_CORE_READ(io, cqe.user_data) == key->request && is_multishot(io);
}

/* A request was submitted, or is woken */
static __always_inline void note_multishot(struct io_kiocb *io)
{
	struct request_key key = {};
	struct multishot fresh = {.request = (u64)io}, *known;
	struct io_kiocb *other;

	if (!is_multishot(io))
		return;
	key.ring = (u64)BPF_CORE_READ(io, ctx);
	key.request = BPF_CORE_READ(io, cqe.user_data);
	known = bpf_map_lookup_elem(&multishots, &key);
	if (known) {
		if (known->request == (u64)io)
			return;
		other = (void *)known->request;
		fresh.ambiguous =
			has_key(other, &key) &&
			(known->ambiguous || BPF_CORE_READ(other, file) != BPF_CORE_READ(io, file));
	}
	bpf_map_update_elem(&multishots, &key, &fresh, BPF_ANY);
}

/* The one that a completion is of which names none; NULL: not known, or not for sure */
static __always_inline struct io_kiocb *find_multishot(u64 ring, u64 user_data)
{
	struct request_key key = {.ring = ring, .request = user_data};
	struct multishot *known = bpf_map_lookup_elem(&multishots, &key);
	struct io_kiocb *io;

	if (!known || known->ambiguous)
		return NULL;
	io = (void *)known->request;
	return has_key(io, &key) ? io : NULL;
}

/* A request's last completion */
static __always_inline void forget_multishot(struct io_kiocb *io, u64 ring, u64 user_data)
{
	struct request_key key = {.ring = ring, .request = user_data};

	if (is_multishot(io))
		bpf_map_delete_elem(&multishots, &key);
}

/* Bytes of a message in a buffer that has its addresses and control messages before them, by what is in use of it */
static __always_inline s32 bytes_of_message(struct io_kiocb *io, s32 used)
{
	struct io_async_msghdr *prepared = BPF_CORE_READ(io, async_data);

	if (used < 0 || !prepared)
		return used < 0 ? used : 0;
	return used - (s32)sizeof(struct io_uring_recvmsg_out) - BPF_CORE_READ(prepared, namelen) -
	       (s32)BPF_CORE_READ(prepared, controllen);
}

#endif
