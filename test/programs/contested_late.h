/* A receive that has taken something and does not return yet: the rest of its arguments is memory that nobody gives it. */
#pragma once
#include "unix.h"
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

enum { PAGE = 4096, LETTER = 24, ROUNDS = 20 };

struct missing {
	int faults;
	uint64_t at;
};

/* A page of an actor's behind one that it has */
static struct missing miss_page(struct actor *who)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct missing missing;
	int process = syscall(SYS_pidfd_open, who->pid, 0);
	long fd = call(who, SYS_userfaultfd, 0), pages;

	must(fd, "userfaultfd");
	check(process >= 0, "pidfd_open");
	missing.faults = syscall(SYS_pidfd_getfd, process, fd, 0);
	check(missing.faults >= 0, "pidfd_getfd");
	close(process);
	pages = call(who, SYS_mmap, 0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(pages, "mmap");
	missing.at = pages + PAGE;
	check(ioctl(missing.faults, UFFDIO_API, &api) == 0, "UFFDIO_API");
	check(ioctl(missing.faults, UFFDIO_REGISTER,
		    &(struct uffdio_register){.range = {missing.at, PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING}) == 0,
	      "UFFDIO_REGISTER");
	return missing;
}

/*
 * bob's call has taken a message, and so its buffer is free; what ann sends then has the same address and size. That is
 * what cyd takes.
 */
static void kept_from_returning(void)
{
	int ends[2];
	struct actor *ann, *bob, *cyd;
	struct plug from, to, other;

	stay_on(sched_getcpu());
	make_pair(ends, SOCK_STREAM);
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	from = plug(ann, ends[0]);
	to = plug(bob, ends[1]);
	other = plug(cyd, ends[1]);
	for (int round = 0; round < ROUNDS; round++) {
		struct missing missing = miss_page(bob);
		struct mmsghdr *first = (void *)(missing.at - sizeof(*first));
		struct iovec *piece = lend_copy(&(struct iovec){stage->arena, LETTER}, sizeof(*piece));
		struct mmsghdr header = {.msg_hdr = {.msg_iov = piece, .msg_iovlen = 1}};
		struct uffd_msg fault;

		check(process_vm_writev(bob->pid, &(struct iovec){&header, sizeof(header)}, 1,
					&(struct iovec){first, sizeof(header)}, 1, 0) == sizeof(header),
		      "process_vm_writev");
		begin(bob, SYS_recvmmsg, to.fd, P(first), 2, MSG_WAITFORONE, 0);
		post(SOCK_STREAM, NULL, &from, &to, "24 bytes that bob takes.", SURE);
		check(read(missing.faults, &fault, sizeof(fault)) == sizeof(fault), "a fault");
		post(SOCK_STREAM, NULL, &from, &other, "24 bytes that cyd takes.", SURE);
		check(call(cyd, SYS_recvfrom, other.fd, P(stage->arena), LETTER, 0, 0, 0) == LETTER, "recv");
		check(ioctl(missing.faults, UFFDIO_ZEROPAGE, &(struct uffdio_zeropage){.range = {missing.at, PAGE}}) == 0,
		      "UFFDIO_ZEROPAGE");
		check(answer(bob) > 0, "recvmmsg");
		close(missing.faults);
	}
}
