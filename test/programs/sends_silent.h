/* Sent by requests of io_uring that make no completion. */
#pragma once
#include "sends_taken.h"

/* Puts one request through a ring of its own, and does not hear of it; -EINVAL: the kernel has no such */
static long request_silently(long sqe)
{
	struct io_uring_params parameters = {0};
	int ring = syscall(SYS_io_uring_setup, 1, &parameters);
	struct io_uring_sqe *entry;
	unsigned char *sq;

	check(ring >= 0, "io_uring_setup");
	if (!(parameters.features & IORING_FEAT_CQE_SKIP)) {
		close(ring);
		return -EINVAL;
	}
	sq = mmap(NULL, parameters.sq_off.array + sizeof(unsigned), PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		  IORING_OFF_SQ_RING);
	entry = mmap(NULL, sizeof(*entry), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	check(sq != MAP_FAILED && (void *)entry != MAP_FAILED, "mmap of the ring");
	*entry = *(struct io_uring_sqe *)sqe;
	entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
	*(unsigned *)(sq + parameters.sq_off.array) = 0;
	atomic_store((_Atomic unsigned *)(sq + parameters.sq_off.tail), 1);
	check(syscall(SYS_io_uring_enter, ring, 1, 0, 0, NULL, 0) == 1, "io_uring_enter");
	close(ring);
	return 0;
}

static void take_by_ring(const struct plug *to, struct io_uring_sqe *receive)
{
	*receive = (struct io_uring_sqe){.opcode = IORING_OP_RECV, .fd = to->fd, .addr = P(stage->arena), .len = 100};
	check(play(to->who, request, receive) == TEXT, "recv");
}

/* Every fourth is, and all are taken by io_uring and by calls in turns, by bob and by cyd */
static void sent_silently(void)
{
	struct shared shared[SHARED];
	struct io_uring_sqe *send = lend(sizeof(*send)), *receive = lend(sizeof(*receive));
	int ends[SHARED][2];

	make_ends(ends);
	cast_all();
	for (int i = 0; i < SHARED; i++) {
		share(&shared[i], shared_types[i], ends[i]);
		for (int n = 0; n < 24; n++) {
			const struct plug *to = n / 3 % 2 ? &shared[i].c : &shared[i].b;

			*send = (struct io_uring_sqe){.opcode = IORING_OP_SEND, .fd = shared[i].a.fd, .addr = P(text),
						      .len = TEXT};
			if (n % 4 == 2 && play(ann, request_silently, send) == 0)
				say_sent_to(&shared[i], to, URING);
			else
				send_to(&shared[i], to);
			if (n % 2)
				check(take(to) == TEXT, "recv");
			else
				take_by_ring(to, receive);
		}
	}
}
