/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Requests of io_uring: what completions will not tell, when they are submitted; all else when they complete */
#include "calls.h"
#include "completion.h"
#include "family.h"
#include <bpf/bpf_tracing.h>

static __always_inline int on_submission(const struct submission *submission)
{
	if (!completions_name_requests())
		on_anonymous_request(submission);
	else if (!bpf_core_field_exists(((struct io_sr_msg *)0)->addr))
		on_addressed_request((void *)submission->request);
	return 0;
}

/*
 * What a splice took from, else NULL: which file of a ring's own it was is not known. Since 5.18 it is looked up when its
 * turn comes: a3e4bc23d547 ("io_uring: defer splice/tee file validity check until command issue")
 */
static __always_inline struct file *spliced_from(const struct completion *completion)
{
	struct io_splice *splice = (void *)completion->request;

	if (bpf_core_field_exists(splice->file_in))
		return BPF_CORE_READ(splice, file_in);
	if (BPF_CORE_READ(splice, flags) & SPLICE_F_FD_IN_FIXED)
		return NULL;
	return file_of_task(completion->task, BPF_CORE_READ(splice, splice_fd_in));
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
	ask_of_completion(completion);
	if (opcode != OP_SPLICE)
		return 0;
	/* of what it took from it was a read */
	completion->file = spliced_from(completion);
	completion->opcode = OP_READ;
	return ask_of_completion(completion);
}

ON_SUBMISSION(uring_submit__any, on_submission)
ON_COMPLETION(uring_complete__any, on_completed)
