/* Sockets that are passed to another process. */
#pragma once
#include "owner_scene.h"

static int received(const struct msghdr *message)
{
	int fd;

	check(message->msg_controllen >= CMSG_LEN(sizeof(int)), "no descriptor came");
	memcpy(&fd, CMSG_DATA((struct cmsghdr *)message->msg_control), sizeof(fd));
	return fd;
}

/* bob hands his end to cyd; ann's bytes are cyd's from then on, though cyd never touched it. */
static void passed_on(int bob_used, int bob_closes)
{
	struct plug to_bob, to_cyd;
	struct msghdr *message;
	int ends[2], way[2];

	make_pair(ends, SOCK_STREAM);
	make_pair(way, SOCK_STREAM);
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	a = keep(ann, ends[0]);
	b = keep(bob, ends[1]);
	/* the same end, which cyd gets */
	c = (struct plug){.who = cyd, .inode = b.inode};
	to_cyd = keep(bob, way[0]);
	to_bob = keep(cyd, way[1]);
	wait_if_early();
	if (bob_used)
		pass(SOCK_STREAM, NULL, &b, &a, "from bob");
	/* when he does not take it, cyd will, some time */
	post(SOCK_STREAM, NULL, &a, bob_used ? &b : &c, "to bob", bob_used ? SURE : MAY_MISS);
	if (bob_used)
		take(&b);
	check(call(bob, SYS_sendmsg, to_cyd.fd, P(rights(b.fd)), 0) == 1, "sendmsg");
	say_letter((struct letter){.type = SOCK_STREAM, .from = &to_cyd, .to = &to_bob, .bytes = "!", .count = 1});
	if (bob_closes) {
		close_plug(&b);
		/* now nobody has it, until cyd gets it */
		check(call(ann, SYS_sendto, a.fd, P("to nobody"), 9, 0, 0, 0) == 9, "send");
		say_letter((struct letter){.type = SOCK_STREAM, .from = &a, .to = &c, .bytes = "to nobody",
					   .count = 9, .guess = MAY_MISS});
	}
	message = rights(-1);
	check(call(cyd, SYS_recvmsg, to_bob.fd, P(message), 0) == 1, "recvmsg");
	c = plug(cyd, received(message));
	check(c.inode == b.inode, "another socket came");
	post(SOCK_STREAM, NULL, &a, &c, "to cyd", SURE);
	take(&c);
	pass(SOCK_STREAM, NULL, &a, &c, "to cyd again");
	pass(SOCK_STREAM, NULL, &c, &a, "from cyd");
}

static void rights_kept(void)
{
	passed_on(1, 0);
}

static void rights_given(void)
{
	passed_on(1, 1);
}

static void rights_forwarded(void)
{
	passed_on(0, 1);
}

static void rights_unused(void)
{
	passed_on(0, 0);
}

/* Nobody has used the end of him who passes it on, unread, and is gone. */
static void rights_shelved(void)
{
	int ends[2], way[2];

	make_pair(ends, SOCK_STREAM);
	make_pair(way, SOCK_DGRAM);
	ann = cast("ann");
	bob = cast("bob");
	a = keep(ann, ends[0]);
	b = keep(bob, ends[1]);
	post(SOCK_STREAM, NULL, &a, &b, "unread", MUST_GUESS);
	/* until it is known to have been sent */
	wait_for_test();
	check(call(bob, SYS_sendmsg, way[0], P(rights(b.fd)), 0) == 1, "sendmsg");
	begin(bob, QUIT);
	check(waitpid(bob->pid, NULL, 0) == bob->pid, "waitpid");
}
