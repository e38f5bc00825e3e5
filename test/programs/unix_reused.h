/* A number that one of io_uring's threads had, which makes no system calls, and then a process that makes some. */
#pragma once
#include "unix_scene.h"

/* The ring is there as long as its memory is, and so is the thread that polls it; its number. */
static long send_by_poller(long sqe)
{
	struct io_uring_sqe *request = (void *)sqe;

	check(complete_requests(request, 1, IORING_SETUP_SQPOLL) == (int)request->len, "io_uring send by the thread that polls");
	return ring_thread();
}

/* Who is told of what the one sends is not mistaken for who was told of what the other did. */
static void reused_number(void)
{
	struct io_uring_sqe *sqe = lend(sizeof(*sqe));
	struct mmsghdr *messages = lend(2 * sizeof(*messages));
	struct actor *cyd, *dan;
	struct name names[2];
	struct plug to[2], from;
	long number;

	unnamed();
	*sqe = (struct io_uring_sqe){.opcode = IORING_OP_SEND, .fd = a.fd, .addr = P(lend_copy("by a poller", 11)), .len = 11};
	number = play(ann, send_by_poller, sqe);
	check(number > 0, "a thread that polls");
	one_event("by a poller", 11, URING);
	begin(ann, QUIT);
	check(waitpid(ann->pid, NULL, 0) == ann->pid, "waitpid");

	cyd = cast("cyd");
	dan = enter_as("dan", 0, number);
	say_role("dan", dan->pid, "dan");
	from = open_plug(dan, AF_UNIX, type);
	for (int i = 0; i < 2; i++) {
		to[i] = open_plug(i ? bob : cyd, AF_UNIX, type);
		names[i] = bind_abstract(&to[i], i);
		messages[i].msg_hdr = *message_of(pieces_of(&words[i], 1), 1);
		messages[i].msg_hdr.msg_name = names[i].address;
		messages[i].msg_hdr.msg_namelen = names[i].length;
	}
	check(call(dan, SYS_sendmmsg, from.fd, P(messages), 2, 0) == 2, "sendmmsg");
	for (int i = 0; i < 2; i++) {
		say_letter((struct letter){.type = type, .path = names[i].path, .from = &from, .to = &to[i],
					   .bytes = words[i], .count = strlen(words[i])});
		check(take(&to[i]) == (long)strlen(words[i]), "recv");
	}
}
