/* Who has accepted, and who serves then. */
#pragma once
#include "tcp_scene.h"

/* Written to, and nobody accepts: the listener's holder, as a guess. */
static void not_accepted(void)
{
	ann = cast("ann");
	bob = cast("bob");
	serve();
	reach(address);
	if (early)
		wait_for_test();
	/* a socket that no process has yet has no number */
	b = (struct plug){.who = bob};
	check(call(ann, SYS_sendto, a.fd, P("too early"), 9, 0, 0, 0) == 9, "send");
	forth("too early", 9, READ, MUST_GUESS);
}

static long breed(long name)
{
	return P(enter((char *)name));
}

/* Workers forked before share the listener: whoever accepts is the one. */
static void prefork(void)
{
	struct actor *workers[3];

	ann = cast("client");
	bob = cast("master");
	serve();
	for (int i = 0; i < 3; i++) {
		char *role = lend(16);

		snprintf(role, 16, "worker%d", i);
		workers[i] = (void *)play(bob, breed, role);
		say_role(role, workers[i]->pid, role);
	}
	if (early)
		wait_for_test();
	for (int i = 0; i < 6; i++) {
		listener.who = workers[i * 2 % 3];
		reach(address);
		b = accept_plug(&listener);
		say_forth("request");
		say_back("response");
		close_plug(&a);
		close_plug(&b);
	}
}

/* bob is the child of who has accepted, and alone has the connection. */
static void fork_server(void)
{
	struct plug parents;

	ann = cast("client");
	bob = cast("server");
	serve();
	reach(address);
	parents = accept_plug(&listener);
	bob = (void *)play(bob, breed, "child");
	say_role("child", bob->pid, "child");
	b = plug(bob, parents.fd);
	close_plug(&parents);
}

/* It passes the connection on, from which nobody has read, and has it no longer. */
static void shelved(void)
{
	int way[2];

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, way) == 0, "socketpair");
	fork_server();
	check(call(bob, SYS_close, listener.fd) == 0, "close");
	check(call(ann, SYS_sendto, a.fd, P("unread"), 6, 0, 0, 0) == 6, "send");
	forth("unread", 6, READ, MUST_GUESS);
	/* until it is known to have been sent */
	wait_for_test();
	check(call(bob, SYS_sendmsg, way[0], P(rights(b.fd)), 0) == 1, "sendmsg");
	close_plug(&b);
}

/* A child serves the connection that its parent has accepted. */
static void forking_server(void)
{
	fork_server();
	if (early)
		wait_for_test();
	check(call(ann, SYS_sendto, a.fd, P("to the child"), 12, 0, 0, 0) == 12, "send");
	forth("to the child", 12, READ, MAY_GUESS);
	take_all(&b, 12);
	say_forth("to the child");
	say_back("from the child");
}

/* Two listeners at one port: whose queue it is in, that one gets it. */
static void reuseport(void)
{
	struct plug listeners[2];

	ann = cast("client");
	for (int i = 0; i < 2; i++) {
		bob = cast(i ? "worker1" : "worker0");
		server = place_of(address, server.port);
		listeners[i] = open_plug(bob, AF_INET, SOCK_STREAM);
		set_option(&listeners[i], SOL_SOCKET, SO_REUSEPORT, 1);
		bind_plug(&listeners[i], server.address, server.length);
		set_port(&server, port_of(&listeners[i]));
		listen_plug(&listeners[i]);
	}
	for (int i = 0; i < 8; i++) {
		long fd;

		reach(address);
		/* without SOCK_NONBLOCK accept would wait in the wrong one */
		for (int k = 0;; k = !k) {
			must(call(listeners[k].who, SYS_fcntl, listeners[k].fd, F_SETFL, O_NONBLOCK), "fcntl");
			fd = call(listeners[k].who, SYS_accept4, listeners[k].fd, 0, 0, 0);
			if (fd >= 0) {
				b = plug(listeners[k].who, fd);
				break;
			}
		}
		say_forth("request");
		say_back("response");
	}
}

static long first(long nothing)
{
	(void)nothing;
	run_first();
	return 0;
}

static long close_after(long fd, long count)
{
	long got = recv(fd, stage->arena, count, 0);

	close(fd);
	return got;
}

static long take_and_close(long fd)
{
	return close_after(fd, TAKEN);
}

/* Then the connection is over at once, for both */
static long leave_some(long fd)
{
	return close_after(fd, 3);
}

/* Who asked has the answer and is gone while the call that sends it goes on, where the kernel lets him run by then. */
static void hurried(void)
{
	stay_on(0);
	ann = cast("ann");
	bob = cast("bob");
	serve();
	play(ann, first, 0);
	for (int i = 0; i < 20; i++) {
		reach(address);
		b = accept_plug(&listener);
		/* then he has received from it before, and nobody else has it */
		if (i % 2)
			say_back("first");
		begin(ann, PLAY, i % 2 ? P(leave_some) : P(take_and_close), a.fd);
		check(call(bob, SYS_write, b.fd, P("answer"), 6) == 6, "write");
		back("answer", 6, READ, SURE);
		check(answer(ann) == (i % 2 ? 3 : 6), "recv");
		close_plug(&b);
	}
}
