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

struct ring {
	int fd;
	struct io_uring_params parameters;
	unsigned char *sq, *cq;
	struct io_uring_sqe *entries;
	unsigned put, taken;
};

static inline struct ring open_ring(unsigned count, unsigned flags)
{
	struct ring ring = {.parameters.flags = flags};
	struct io_uring_params *parameters = &ring.parameters;
	unsigned sq_size, cq_size;

	ring.fd = syscall(SYS_io_uring_setup, count, parameters);
	check(ring.fd >= 0, "io_uring_setup");
	sq_size = parameters->sq_off.array + parameters->sq_entries * sizeof(unsigned);
	cq_size = parameters->cq_off.cqes + parameters->cq_entries * sizeof(struct io_uring_cqe);
	ring.sq = mmap(NULL, sq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	ring.cq = mmap(NULL, cq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
	ring.entries =
		mmap(NULL, count * sizeof(*ring.entries), PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
	check(ring.sq != MAP_FAILED && ring.cq != MAP_FAILED && (void *)ring.entries != MAP_FAILED, "mmap of the ring");
	return ring;
}

/* Gives it requests, all at once, and waits for so many completions */
static inline void submit_requests(struct ring *ring, const struct io_uring_sqe *requests, unsigned count,
				   unsigned completions)
{
	unsigned enter = IORING_ENTER_GETEVENTS;

	if (ring->parameters.flags & IORING_SETUP_SQPOLL)
		enter |= IORING_ENTER_SQ_WAKEUP;
	for (unsigned i = 0; i < count; i++) {
		unsigned place = ring->put++ % ring->parameters.sq_entries;

		ring->entries[place] = requests[i];
		((unsigned *)(ring->sq + ring->parameters.sq_off.array))[place] = place;
	}
	atomic_store((_Atomic unsigned *)(ring->sq + ring->parameters.sq_off.tail), ring->put);
	check(syscall(SYS_io_uring_enter, ring->fd, count, completions, enter, NULL, 0) == count, "io_uring_enter");
}

/* Whether a request has completed that nobody has looked at */
static inline int has_completion(const struct ring *ring)
{
	return ring->taken != atomic_load((_Atomic unsigned *)(ring->cq + ring->parameters.cq_off.tail));
}

/* As struct io_uring_cqe, which may go on behind its end */
struct completion {
	uint64_t user_data;
	int32_t res;
	uint32_t flags;
};

/* Waits for the next */
static inline struct completion next_completion(struct ring *ring)
{
	struct completion completion;
	const struct io_uring_cqe *cqes;

	while (!has_completion(ring))
		syscall(SYS_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	cqes = (const void *)(ring->cq + ring->parameters.cq_off.cqes);
	memcpy(&completion, &cqes[ring->taken++ % ring->parameters.cq_entries], sizeof(completion));
	atomic_store((_Atomic unsigned *)(ring->cq + ring->parameters.cq_off.head), ring->taken);
	return completion;
}

/* Puts requests through a ring of their own; the sum of their results, or the first error. */
static inline int complete_requests(const struct io_uring_sqe *requests, unsigned count, unsigned flags)
{
	struct ring ring = open_ring(count, flags);
	int sum = 0, failure = 0;
	struct io_uring_sqe own[count];

	for (unsigned i = 0; i < count; i++) {
		own[i] = requests[i];
		own[i].user_data = i + 1;
	}
	submit_requests(&ring, own, count, count);
	for (unsigned completed = 0; completed < count;) {
		struct completion completion = next_completion(&ring);

		/* the second one of a send without copying */
		if (completion.flags & IORING_CQE_F_NOTIF)
			continue;
		completed++;
		if (completion.res < 0)
			failure = completion.res;
		else
			sum += completion.res;
	}
	close(ring.fd);
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
