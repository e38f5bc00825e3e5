/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Requests of io_uring: what completions will not tell, when they are submitted or woken; all else when they complete */
#include "calls.h"
#include "completion.h"
#include "family.h"
#include <bpf/bpf_tracing.h>

/*
 * What a splice takes from, else NULL: which file of a ring's own it is is not known. Since 5.18 it is looked up when its
 * turn comes: a3e4bc23d547 ("io_uring: defer splice/tee file validity check until command issue")
 */
static __always_inline struct file *spliced_from(struct io_kiocb *io)
{
	struct io_splice *splice = (void *)io;

	if (bpf_core_field_exists(splice->file_in))
		return BPF_CORE_READ(splice, file_in);
	if (BPF_CORE_READ(splice, flags) & SPLICE_F_FD_IN_FIXED)
		return NULL;
	return file_of_task(submitter(io), BPF_CORE_READ(splice, splice_fd_in));
}

static __always_inline void on_uncounted(struct file *file, bool is_sent)
{
	u64 socket = 0;

	note_uncounted(family_of(file, &socket), socket, is_sent);
}

/* A request that has no completion if it succeeds (5.17): what it moves over a socket is in no count */
static __always_inline void on_silent_request(struct io_kiocb *io)
{
	u32 flags = BPF_CORE_READ(io, flags), opcode = BPF_CORE_READ(io, opcode);

	if (!(flags & CQE_SKIP_SUCCESS) || (!sends(opcode) && !receives(opcode)))
		return;
	if (opcode == OP_SPLICE)
		on_uncounted(spliced_from(io), false);
	/* which file of the ring's own it will be is not known */
	if (!(flags & FIXED_FILE))
		on_uncounted(file_of_task(submitter(io), BPF_CORE_READ(io, cqe.fd)), sends(opcode));
}

static __always_inline int on_submission(const struct submission *submission)
{
	struct io_kiocb *io = (void *)submission->request;

	if (!completions_name_requests()) {
		on_anonymous_request(submission);
		return 0;
	}
	if (serves(FAMILY_UNIX | FAMILY_LOOPBACK))
		on_silent_request(io);
	if (!bpf_core_field_exists(((struct io_sr_msg *)0)->addr))
		on_addressed_request(io);
	note_multishot(io);
	return 0;
}

static __always_inline int on_wake(struct io_kiocb *request)
{
	if (completions_name_requests())
		note_multishot(request);
	return 0;
}

#define COMPLETED(name, NAME, way, kinds)                                                          \
	ASK_OF_OBJECT(NAME, way, name##_completed(socket), name##_completed((u64)completion->file))
static __always_inline int ask_of_completion(const struct completion *completion)
{
	u64 socket = 0;

	switch (family_of(completion->file, &socket)) {
		FAMILIES(COMPLETED)
	default:
		return 0;
	}
}

static __always_inline int on_completed(const struct cqe *cqe)
{
	struct completion *completion = read_completion(cqe);
	u32 opcode;

	if (!completion)
		return 0;
	opcode = completion->opcode;
	completion->spliced = false;
	ask_of_completion(completion);
	if (opcode != OP_SPLICE)
		return 0;
	/* of what it took from it was a read */
	completion->file = spliced_from(completion->request);
	completion->spliced = true;
	completion->opcode = OP_READ;
	return ask_of_completion(completion);
}

ON_SUBMISSION(uring_submit__any, on_submission)
ON_WAKE(uring_wake__any, on_wake)
ON_COMPLETION(uring_complete__any, on_completed)
