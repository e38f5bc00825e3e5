/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Requests of io_uring when they are submitted: what their completions will not tell */
#include "uring.h"
#include <bpf/bpf_tracing.h>

static __always_inline int on_submission(const struct submission *submission)
{
	if (!completions_name_requests())
		on_anonymous_request(submission);
	else if (!bpf_core_field_exists(((struct io_sr_msg *)0)->addr))
		on_addressed_request((void *)submission->request);
	return 0;
}

ON_SUBMISSION(uring_submit__any, on_submission)
