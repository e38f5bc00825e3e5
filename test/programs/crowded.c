/*
 * crowded: over each of five sockets three processes send 1,500 messages each, as fast as they can, and two
 * receive, all of them on what few processors there are. Waits before it, and when all is received; then it says what
 * each receiver itself wrote down.
 */
#include "net.h"

enum { CHANNELS = 5, SENDERS = 3, RECEIVERS = 2, EACH = 1500, SIZE = 24, UDP = 4, UNDER_WAY = 256 };
static const char *const kinds[CHANNELS] = {"unix-stream", "unix-dgram", "unix-seqpacket", "loopback-tcp",
					    "loopback-udp"};

static struct {
	_Atomic long taken;
	/* of UDP, sent and not taken */
	_Atomic long under_way;
	/* 1 + the receiver, and 0 while nobody has it */
	_Atomic unsigned char receivers[CHANNELS][SENDERS][EACH];
} *written;

static int ends[CHANNELS][2];
static struct actor *senders[CHANNELS][SENDERS], *receivers[CHANNELS][RECEIVERS];

/* What a message says of itself */
static void compose(char text[SIZE + 1], unsigned char channel, unsigned char sender, unsigned short number)
{
	char whole[32];

	snprintf(whole, sizeof(whole), "%05u %05u %012u", channel, sender, number);
	memcpy(text, whole, SIZE);
}

static long send_all(long which)
{
	long channel = which / SENDERS;

	for (int i = 0; i < EACH; i++) {
		char text[SIZE + 1];

		compose(text, channel, which % SENDERS, i);
		/* the kernel drops what a processor does not come to deliver (net.core.netdev_max_backlog) */
		while (channel == UDP && written->under_way > UNDER_WAY)
			usleep(1000);
		written->under_way += channel == UDP;
		check(write(ends[channel][0], text, SIZE) == SIZE, "write");
	}
	return 0;
}

/* Until it is killed. */
__attribute__((noreturn)) static long take_all(long which)
{
	long channel = which / RECEIVERS;

	for (;;) {
		char text[SIZE + 1] = "";
		long told, sender;
		int number;

		check(read(ends[channel][1], text, SIZE) == SIZE, "read");
		check(sscanf(text, "%ld %ld %d", &told, &sender, &number) == 3 && told == channel, "what was read");
		check(atomic_exchange(&written->receivers[channel][sender][number], 1 + which % RECEIVERS) == 0, "twice");
		written->under_way -= channel == UDP;
		atomic_fetch_add(&written->taken, 1);
	}
}

static struct actor *cast_one(const char *what, int channel, int number)
{
	char name[16];

	snprintf(name, sizeof(name), "%s-%d-%d", what, channel, number);
	return cast(name);
}

static void say_all(int channel, int sender)
{
	for (int i = 0; i < EACH; i++) {
		int receiver = written->receivers[channel][sender][i] - 1;
		char text[SIZE + 1];

		compose(text, channel, sender, i);
		say_carried(kinds[channel], senders[channel][sender]->name, receivers[channel][receiver]->name, "", text,
			    SIZE, READ, SURE);
	}
}

#define EVERY(channel, one, count)                                                                                     \
	for (int channel = 0; channel < CHANNELS; channel++)                                                           \
		for (int one = 0; one < (count); one++)

int main(void)
{
	int room = SENDERS * EACH * 4096;

	written = mmap(NULL, sizeof(*written), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(written != MAP_FAILED, "mmap");
	make_pair(ends[0], SOCK_STREAM);
	make_pair(ends[1], SOCK_DGRAM);
	make_pair(ends[2], SOCK_SEQPACKET);
	make_connection(ends[3], SOCK_STREAM);
	make_connection(ends[4], SOCK_DGRAM);
	/* nobody waits for room */
	check(setsockopt(ends[4][1], SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) == 0, "SO_RCVBUFFORCE");
	EVERY(channel, i, SENDERS) senders[channel][i] = cast_one("sender", channel, i);
	EVERY(channel, i, RECEIVERS) receivers[channel][i] = cast_one("taker", channel, i);
	wait_for_test();
	EVERY(channel, i, RECEIVERS) begin(receivers[channel][i], PLAY, P(take_all), channel * RECEIVERS + i);
	EVERY(channel, i, SENDERS) begin(senders[channel][i], PLAY, P(send_all), channel * SENDERS + i);
	EVERY(channel, i, SENDERS) check(answer(senders[channel][i]) == 0, "send_all");
	while (atomic_load(&written->taken) < CHANNELS * SENDERS * EACH)
		pause_briefly();
	EVERY(channel, i, SENDERS) say_all(channel, i);
	wait_for_test();
	EVERY(channel, i, RECEIVERS) kill(receivers[channel][i]->pid, SIGKILL);
	return 0;
}
