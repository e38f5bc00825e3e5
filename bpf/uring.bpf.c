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

#define COMPLETED(name, NAME, way, kinds)                                                          \
	ASK_OF_OBJECT(NAME, way, name##_completed(socket), name##_completed((u64)completion->file))
static __always_inline int on_completed(const struct cqe *cqe)
{
	struct completion *completion = read_completion(cqe);
	u64 socket = 0;

	if (!completion)
		return 0;
	switch (family_of(completion->file, &socket)) {
		FAMILIES(COMPLETED)
	default:
		return 0;
	}
}

ON_SUBMISSION(uring_submit__any, on_submission)
ON_COMPLETION(uring_complete__any, on_completed)
