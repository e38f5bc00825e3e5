/* The bytes were sent, and the kernel can not write down how many. */
#pragma once
#include "sends_scene.h"

/* Memory of the caller's own that it can't write to, with such bytes. */
static long protected_copy(long what)
{
	const struct mmsghdr *message = (void *)what;
	void *page = mmap((void *)0x600000000000, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	check(page != MAP_FAILED, "mmap");
	memcpy(page, message, sizeof(*message));
	return mprotect(page, 4096, PROT_READ);
}

static const char text[] = "it was sent all the same";
enum { TEXT = sizeof(text) - 1 };

static struct mmsghdr *message_to(const void *name, socklen_t length)
{
	const char *const texts[] = {text};
	struct mmsghdr message = {.msg_hdr = {.msg_name = (void *)name, .msg_namelen = length,
					      .msg_iov = pieces_of(texts, 1), .msg_iovlen = 1}};

	return lend_copy(&message, sizeof(message));
}

/* sendmmsg can't write down how much it has sent: EFAULT */
static void send_unwritable(const struct plug *plug)
{
	must(play(ann, protected_copy, P(message_to(NULL, 0))), "mprotect");
	check(call(ann, SYS_sendmmsg, plug->fd, 0x600000000000, 1, 0) == -EFAULT, "sendmmsg");
}

static void unwritable_stream(void)
{
	struct pair pair = pair_of(SOCK_STREAM);

	send_unwritable(&pair.from);
	got(&pair, SOCK_STREAM, text, TEXT);
}

static void unwritable_dgram(void)
{
	struct pair pair = pair_of(SOCK_DGRAM);

	send_unwritable(&pair.from);
	got(&pair, SOCK_DGRAM, text, TEXT);
}

/* ann and bob, connected; protocol 0 or IPPROTO_MPTCP */
static struct pair connection(int protocol, struct place *client, struct place *server)
{
	struct plug listener;
	struct pair pair;

	cast_all();
	*server = place_of("127.0.0.1", 0);
	/* a kernel without MPTCP has TCP for it */
	if (call(bob, SYS_socket, AF_INET, SOCK_STREAM, protocol) == -EPROTONOSUPPORT)
		protocol = 0;
	listener = plug(bob, call(bob, SYS_socket, AF_INET, SOCK_STREAM, protocol));
	bind_plug(&listener, server->address, server->length);
	set_port(server, port_of(&listener));
	listen_plug(&listener);
	pair.from = plug(ann, call(ann, SYS_socket, AF_INET, SOCK_STREAM, protocol));
	connect_plug(&pair.from, server->address, server->length);
	*client = place_at(&pair.from);
	pair.to = accept_plug(&listener);
	return pair;
}

static void unwritable_tcp(void)
{
	struct place client, server;
	struct pair pair = connection(0, &client, &server);

	send_unwritable(&pair.from);
	say_inet_sent((struct inet_sent){"loopback-tcp", &pair.from, &pair.to, client, server, text, TEXT, READ, SURE});
	check(take(&pair.to) == TEXT, "recv");
}

static void unwritable_udp(void)
{
	struct place client, server = place_of("127.0.0.1", 0);
	struct plug from, to;

	cast_all();
	to = open_plug(bob, AF_INET, SOCK_DGRAM);
	bind_plug(&to, server.address, server.length);
	set_port(&server, port_of(&to));
	from = open_plug(ann, AF_INET, SOCK_DGRAM);
	connect_plug(&from, server.address, server.length);
	client = place_at(&from);
	send_unwritable(&from);
	say_inet_sent((struct inet_sent){"loopback-udp", &from, &to, client, server, text, TEXT, READ, SURE});
	check(take(&to) == TEXT, "recv");
}

/* sendfile and splice can't write down how far they came in a file */
static long protected_zero(long unused)
{
	void *page = mmap((void *)0x600000001000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	check(page != MAP_FAILED, "mmap");
	return unused;
}

static int file_of_text(void)
{
	char path[] = "/tmp/ipcdump-sends-XXXXXX";
	int fd = mkstemp(path);

	check(fd >= 0 && unlink(path) == 0, path);
	write_all(fd, text, TEXT);
	return fd;
}

static void unwritable_offset(void)
{
	int file = file_of_text();
	struct pair pair = pair_of(SOCK_STREAM);
	struct letter letter = {.type = SOCK_STREAM, .from = &pair.from, .to = &pair.to, .bytes = text, .count = TEXT,
				.how = SPLICED};

	must(play(ann, protected_zero, 0), "mmap");
	check(call(ann, SYS_sendfile, pair.from.fd, file, 0x600000001000, TEXT) == -EFAULT, "sendfile");
	say_letter(letter);
	check(take(&pair.to) == TEXT, "recv");
}

static void unwritable_pipe(void)
{
	int file = file_of_text();
	struct tube tube = lay("tube", 0);

	cast_all();
	must(play(ann, protected_zero, 0), "mmap");
	check(call(ann, SYS_splice, file, 0x600000001000, tube.out, 0, TEXT, 0) == -EFAULT, "splice");
	get_from(ann, bob, &tube, 100);
}
