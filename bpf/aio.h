/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Requests of io_submit(2): of which file each is, and where its bytes are. */
#ifndef AIO_H
#define AIO_H
#include "calls.h"
#include "family.h"
#include "ongoing.h"
#include "repeat.h"

#define IOCB_CMD_PREAD 0
#define IOCB_CMD_PWRITE 1
#define IOCB_CMD_PREADV 7
#define IOCB_CMD_PWRITEV 8
/* of one call that are looked through, in a round */
#define REQUESTS 64
#define REQUEST_ROUNDS 16

/* struct iocb, the same for 32-bit programs */
struct iocb {
	u64 data;
	u64 key;
	u16 opcode;
	u16 priority;
	u32 fd;
	u64 buffer;
	u64 bytes;
};

static __always_inline bool read_request(u64 list, u32 n, u32 compat, struct iocb *request)
{
	u64 address = 0;

	if (bpf_probe_read_user(&address, compat ? 4 : 8, (void *)(list + n * (compat ? 4 : 8))))
		return false;
	return address && !bpf_probe_read_user(request, sizeof(*request), (void *)address);
}

static __always_inline bool writes(const struct iocb *request)
{
	return request->opcode == IOCB_CMD_PWRITE || request->opcode == IOCB_CMD_PWRITEV;
}

static __always_inline bool reads(const struct iocb *request)
{
	return request->opcode == IOCB_CMD_PREAD || request->opcode == IOCB_CMD_PREADV;
}

/* The descriptor that the n-th request writes to; -1: none */
__weak __noinline int written_by_request(u64 list, u32 n, u32 compat)
{
	struct iocb request = {};

	if (!read_request(list, n, compat, &request))
		return -1;
	return writes(&request) ? (int)request.fd : -1;
}

/* The n-th request of the current call; false: it has none */
static __always_inline bool current_request(const struct ongoing *ongoing, u32 n,
					    struct iocb *request)
{
	return ongoing && n < ongoing->argument[1] &&
	       read_request(ongoing->argument[2], n, ongoing->compat, request);
}

/* Whether it writes to this socket; what it says goes where the call has no arguments. 1: it does, -1: it is none */
__weak __noinline int is_request_of(u64 socket, u32 n)
{
	struct ongoing *ongoing = current_ongoing();
	struct iocb request = {};

	if (!current_request(ongoing, n, &request))
		return -1;
	if (!writes(&request))
		return 0;
	if ((u64)sock_of(file_of(request.fd)) != socket)
		return 0;
	ongoing->argument[3] = request.opcode == IOCB_CMD_PWRITEV;
	ongoing->argument[4] = request.buffer;
	ongoing->argument[5] = request.bytes;
	ongoing->messages = n + 1;
	return 1;
}

/* Which request of the current call has sent to a socket: they are done one after the other */
static __always_inline void find_request(struct ongoing *ongoing, u64 socket)
{
	u32 first = ongoing->messages;

	ongoing->argument[5] = 0;
	repeat_while(i, REQUESTS, !is_request_of(socket, first + i));
}

/* Whether it reads from this socket, or, of 0, from one of ours; that is what the call takes from now. -1: it is none */
__weak __noinline int is_reading(u64 socket, u32 n)
{
	struct ongoing *ongoing = current_ongoing();
	struct iocb request = {};
	enum family family;
	struct file *file;
	u64 found = 0;

	if (!current_request(ongoing, n, &request))
		return -1;
	if (!reads(&request))
		return 0;
	file = file_of(request.fd);
	family = family_of(file, &found);
	if (!found || family == FAMILY_NONE || (socket && found != socket))
		return 0;
	ongoing->from = (u64)file;
	ongoing->from_family = family;
	ongoing->from_fd = request.fd;
	ongoing->messages = n + 1;
	return 1;
}

/* Which request of the current call receives now, from a socket if that is known */
static __always_inline void find_reading(struct ongoing *ongoing, u64 socket)
{
	u32 first = ongoing->messages;

	repeat_while(i, REQUESTS, !is_reading(socket, first + i));
}

/* The n-th request of the current task's io_submit(2), where the kernel tells of none; -1: there is none */
__weak __noinline int on_untold_request(u64 list, u32 n, u32 compat)
{
	struct iocb request = {};
	u64 socket = 0;

	if (!read_request(list, n, compat, &request))
		return -1;
	if (writes(&request) || reads(&request))
		note_uncounted(family_of(file_of(request.fd), &socket), socket, writes(&request));
	return 0;
}

/* A round of them */
__weak __noinline int on_untold_round(u64 list, u32 first, u32 count, u32 compat)
{
	repeat_while(i, REQUESTS, first + i < count && !on_untold_request(list, first + i, compat));
	return 0;
}

/* All of them, by rounds. A function of its own, for the verifier to go through it once */
__weak __noinline int on_untold_requests(u64 list, u32 count, u32 compat)
{
	for (u32 n = 0; n < REQUEST_ROUNDS * REQUESTS; n += REQUESTS) {
		if (n >= count)
			break;
		on_untold_round(list, n, count, compat);
	}
	return 0;
}

#endif
