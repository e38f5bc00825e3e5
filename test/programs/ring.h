/* io_uring requests by bare system calls: liburing is not everywhere. */
#pragma once
#include "actor.h"
#include <dirent.h>
#include <linux/io_uring.h>

/* A thread of this process, which has none but its first and one that the kernel made for a ring. */
static inline pid_t ring_thread(void)
{
	DIR *threads = opendir("/proc/self/task");
	struct dirent *entry;
	pid_t thread = 0;

	check(threads != NULL, "/proc/self/task");
	while ((entry = readdir(threads)))
		if (atoi(entry->d_name) && atoi(entry->d_name) != getpid())
			thread = atoi(entry->d_name);
	closedir(threads);
	return thread;
}

/* Puts requests through a ring of their own, all at once; the sum of their results, or the first error. */
static inline int complete_requests(const struct io_uring_sqe *requests, unsigned count, unsigned flags)
{
	struct io_uring_params parameters = {.flags = flags};
	int ring = syscall(SYS_io_uring_setup, count, &parameters), sum = 0, failure = 0;
	unsigned enter = IORING_ENTER_GETEVENTS | (flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0);
	unsigned char *sq, *cq;
	struct io_uring_sqe *entries;
	struct io_uring_cqe *completions;
	unsigned sq_size, cq_size, taken = 0, completed = 0;

	check(ring >= 0, "io_uring_setup");
	sq_size = parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned);
	cq_size = parameters.cq_off.cqes + parameters.cq_entries * sizeof(*completions);
	sq = mmap(NULL, sq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, cq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	entries = mmap(NULL, count * sizeof(*entries), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	check(sq != MAP_FAILED && cq != MAP_FAILED && (void *)entries != MAP_FAILED, "mmap of the ring");

	for (unsigned i = 0; i < count; i++) {
		entries[i] = requests[i];
		entries[i].user_data = i + 1;
		((unsigned *)(sq + parameters.sq_off.array))[i] = i;
	}
	atomic_store((_Atomic unsigned *)(sq + parameters.sq_off.tail), count);
	check(syscall(SYS_io_uring_enter, ring, count, count, enter, NULL, 0) == count, "io_uring_enter");
	completions = (void *)(cq + parameters.cq_off.cqes);
	while (completed < count) {
		unsigned tail = atomic_load((_Atomic unsigned *)(cq + parameters.cq_off.tail));

		for (; taken < tail; taken++) {
			struct io_uring_cqe *completion = &completions[taken % parameters.cq_entries];

			/* the second one of a send without copying */
			if (completion->flags & IORING_CQE_F_NOTIF)
				continue;
			completed++;
			if (completion->res < 0)
				failure = completion->res;
			else
				sum += completion->res;
		}
		atomic_store((_Atomic unsigned *)(cq + parameters.cq_off.head), taken);
		if (completed < count)
			syscall(SYS_io_uring_enter, ring, 0, 1, enter, NULL, 0);
	}
	close(ring);
	return failure < 0 ? failure : sum;
}

/* The same with one; its completion's result. */
static inline int complete_request(const struct io_uring_sqe *request)
{
	return complete_requests(request, 1, 0);
}

/* The same for an actor to play */
static inline long request(long sqe)
{
	return complete_request((struct io_uring_sqe *)sqe);
}
