/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Where in user memory the bytes are that a call sends. */
#ifndef CALL_IOV_H
#define CALL_IOV_H
#include "ongoing.h"
#include "payload.h"

/* Where the bytes of a message are that a system call sent */
static __always_inline void iov_of_message(struct user_iov *iov, u64 message, bool compat)
{
	if (compat) {
		u32 fields[4] = {};

		bpf_probe_read_user(fields, sizeof(fields), (void *)message);
		iov->kind = IOV_COMPAT_SEGMENTS;
		iov->segments = fields[2];
		iov->segment_count = fields[3];
	} else {
		u64 fields[4] = {};

		bpf_probe_read_user(fields, sizeof(fields), (void *)message);
		iov->kind = IOV_USER_SEGMENTS;
		iov->segments = fields[2];
		iov->segment_count = fields[3];
	}
}

/* Where the bytes are that a send or write took; kernel pages for sendfile and splice */
static __always_inline void iov_of_call(struct user_iov *iov, const struct ongoing *ongoing)
{
	switch (ongoing->call) {
	case CALL_WRITE:
	case CALL_SENDTO:
		iov->kind = IOV_BUFFER;
		iov->base = ongoing->argument[1];
		iov->length = ongoing->argument[2];
		break;
	case CALL_WRITEV:
		iov->kind = ongoing->compat ? IOV_COMPAT_SEGMENTS : IOV_USER_SEGMENTS;
		iov->segments = ongoing->argument[1];
		iov->segment_count = ongoing->argument[2];
		break;
	case CALL_IOCTL:
		iov->kind = IOV_BUFFER;
		iov->base = ongoing->argument[2];
		iov->length = 1;
		break;
	case CALL_AIO:
		/* as aio.h has them; nothing where the request was not found */
		if (!ongoing->argument[3]) {
			iov->kind = IOV_BUFFER;
			iov->base = ongoing->argument[4];
			iov->length = ongoing->argument[5];
			break;
		}
		iov->kind = ongoing->compat ? IOV_COMPAT_SEGMENTS : IOV_USER_SEGMENTS;
		iov->segments = ongoing->argument[4];
		iov->segment_count = ongoing->argument[5];
		break;
	case CALL_SENDMSG:
		iov_of_message(iov, ongoing->argument[1], ongoing->compat);
		break;
	default:
		break;
	}
}

/* Whether a call may send in several pieces what is one event */
static __always_inline bool moves_in_pieces(enum call call)
{
	return call == CALL_SPLICE || call == CALL_SENDFILE;
}

/* Whether a call with nothing to send sends nothing, not even an empty datagram */
static __always_inline bool sends_if_any(enum call call)
{
	return call == CALL_WRITEV || call == CALL_SPLICE || call == CALL_SENDFILE;
}

#endif
