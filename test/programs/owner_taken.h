/* Several processes take what one call sends, for owner.c. */
#pragma once
#include "owner_scene.h"

/* Two take what a sendmmsg of more messages than are counted in one go sends, from before it returns. */
static void taken_meanwhile(void)
{
	enum { SMALL = 600, SIZE = 11, LARGE = 64000 };
	struct mmsghdr *messages = lend((SMALL + 1) * sizeof(*messages));
	char *text = lend(SMALL * SIZE + LARGE);
	int ends[2];

	make_pair(ends, SOCK_STREAM);
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	a = plug(ann, ends[0]);
	b = plug(bob, ends[1]);
	c = plug(cyd, ends[1]);
	/* the least there is: the last message is large for its sender to wait until all others are taken */
	set_option(&a, SOL_SOCKET, SO_SNDBUF, 0);
	for (int i = 0; i < SMALL * SIZE + LARGE; i++)
		text[i] = i * 7 + i / 253;
	for (int i = 0; i <= SMALL; i++) {
		struct iovec *piece = lend(sizeof(*piece));

		*piece = (struct iovec){text + i * SIZE, i < SMALL ? SIZE : LARGE};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = piece, .msg_iovlen = 1};
	}
	begin(ann, SYS_sendmmsg, a.fd, P(messages), SMALL + 1, 0);
	check(call(bob, SYS_recvfrom, b.fd, P(stage->arena), SMALL / 2 * SIZE, MSG_WAITALL, 0, 0) == SMALL / 2 * SIZE,
	      "recv");
	check(call(cyd, SYS_recvfrom, c.fd, P(stage->arena), SMALL / 2 * SIZE + LARGE, MSG_WAITALL, 0, 0) ==
		      SMALL / 2 * SIZE + LARGE, "recv");
	check(answer(ann) == SMALL + 1, "sendmmsg");
	for (int i = 0; i <= SMALL; i++)
		say_letter((struct letter){.type = SOCK_STREAM, .from = &a, .to = i < SMALL / 2 ? &b : &c,
					   .bytes = text + i * SIZE, .count = i < SMALL ? SIZE : LARGE, .guess = MAY_GUESS});
	pass(SOCK_STREAM, NULL, &a, &b, "for bob");
	pass(SOCK_STREAM, NULL, &a, &c, "for cyd");
}
