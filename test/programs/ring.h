/* One io_uring request by bare system calls: liburing is not everywhere. */
#pragma once
#include "actor.h"
#include <linux/io_uring.h>

/* Puts one request through a ring of its own; the completion's result. */
static inline int complete_request(const struct io_uring_sqe *request)
{
	struct io_uring_params parameters = {0};
	int ring = syscall(SYS_io_uring_setup, 1, &parameters);
	unsigned char *sq, *cq;
	struct io_uring_sqe *entry;
	struct io_uring_cqe *completion;
	unsigned sq_size, cq_size;

	check(ring >= 0, "io_uring_setup");
	sq_size = parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned);
	cq_size = parameters.cq_off.cqes + parameters.cq_entries * sizeof(*completion);
	sq = mmap(NULL, sq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, cq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	entry = mmap(NULL, sizeof(*entry), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	check(sq != MAP_FAILED && cq != MAP_FAILED && (void *)entry != MAP_FAILED, "mmap of the ring");

	*entry = *request;
	*(unsigned *)(sq + parameters.sq_off.array) = 0;
	atomic_store((_Atomic unsigned *)(sq + parameters.sq_off.tail), 1);
	check(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1, "io_uring_enter");
	check(atomic_load((_Atomic unsigned *)(cq + parameters.cq_off.tail)) == 1, "no completion");
	completion = (void *)(cq + parameters.cq_off.cqes);
	close(ring);
	return completion->res;
}
