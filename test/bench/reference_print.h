/* An event as the C reference prints it, with fprintf. */
#pragma once
#include "reference_state.h"

static const char *const kind_names[KINDS] = {
	[KIND_PIPE] = "pipe",
	[KIND_UNIX_STREAM] = "unix-stream",
	[KIND_LOOPBACK_TCP] = "loopback-tcp",
};

/* The clock of the current second, made once a second */
static const char *clock_words(time_t second)
{
	static time_t last = -1;
	static char words[64];
	struct tm parts;

	if (second == last)
		return words;
	localtime_r(&second, &parts);
	strftime(words, sizeof(words), form == FORM_JSON ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S",
		 &parts);
	last = second;
	return words;
}

static const char *zone_words(void)
{
	static char words[8];

	if (!*words) {
		time_t second = time(NULL);
		struct tm parts;

		localtime_r(&second, &parts);
		strftime(words, sizeof(words), "%z", &parts);
		memmove(words + 4, words + 3, 3);
		words[3] = ':';
	}
	return words;
}

static void print_hexdump(const u8 *data, u32 length)
{
	for (u32 row = 0; row < length; row += 16) {
		u32 n = length - row < 16 ? length - row : 16;

		fprintf(out, "\t%08x ", row);
		for (u32 i = 0; i < 16; i++) {
			if (i == 8)
				fputc(' ', out);
			if (i < n)
				fprintf(out, " %02x", data[row + i]);
			else
				fputs("   ", out);
		}
		fputs("  |", out);
		for (u32 i = 0; i < n; i++)
			fputc(data[row + i] >= 0x20 && data[row + i] < 0x7f ? data[row + i] : '.',
			      out);
		fputs("|\n", out);
	}
}

static void print_base64(const u8 *data, u32 length)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (u32 i = 0; i < length; i += 3) {
		u32 n = length - i;
		u32 word =
			data[i] << 16 | (n > 1 ? data[i + 1] << 8 : 0) | (n > 2 ? data[i + 2] : 0);
		char four[4] = {digits[word >> 18], digits[word >> 12 & 63],
				n > 1 ? digits[word >> 6 & 63] : '=',
				n > 2 ? digits[word & 63] : '='};

		fwrite(four, 1, 4, out);
	}
}

static const char *service(u32 port)
{
	static char found[16][64];
	static u32 known[16];
	char *words = found[port % 16];

	if (known[port % 16] != port) {
		struct servent *entry = getservbyport(htons(port), "tcp");

		if (entry)
			snprintf(words, 64, "%s/tcp", entry->s_name);
		else
			snprintf(words, 64, "%u/tcp", port);
		known[port % 16] = port;
	}
	return words;
}

/* Addresses of the loopback interface are v4-mapped or IPv6 */
static const char *address(const u8 *bytes, char *into)
{
	static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (!memcmp(bytes, mapped, sizeof(mapped)))
		return inet_ntop(AF_INET, bytes + 12, into, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, bytes, into, INET6_ADDRSTRLEN);
}

static void print_meta(const struct event_record *event)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	const struct loopback_record *tcp = (const void *)event;
	const struct pipe_record *pipe = (const void *)event;
	const struct unix_record *local = (const void *)event;
	bool json = form == FORM_JSON;

	switch (event->kind) {
	case KIND_PIPE:
		fprintf(out,
			json ? "\"pipe_name\":\"%s\",\"pipe_inode\":%llu,\"count\":%u"
			     : ": pipe_name %s, pipe_inode %llu, count %u",
			"<anonymous>", (unsigned long long)pipe->inode, event->count);
		break;
	case KIND_UNIX_STREAM:
		fprintf(out,
			json ? "\"path\":\"%s\",\"count\":%u,\"src_inode\":%llu,\"dst_inode\":%llu"
			     : ": path %s, count %u, src_inode %llu, dst_inode %llu",
			"<anonymous>", event->count, (unsigned long long)local->src_inode,
			(unsigned long long)local->dst_inode);
		break;
	case KIND_LOOPBACK_TCP:
		fprintf(out,
			json ? "\"src_addr\":\"%s\",\"src_port\":%u,\"src_serv\":\"%s\",\"dst_"
			       "addr\":\"%s\","
			       "\"dst_port\":%u,\"dst_serv\":\"%s\",\"dst_inode\":%llu,\"count\":%u"
			     : ": src_addr %s, src_port %u, src_serv %s, dst_addr %s, dst_port %u, "
			       "dst_serv %s, dst_inode %llu, count %u",
			address(tcp->src_address, from), tcp->src_port, service(tcp->src_port),
			address(tcp->dst_address, to), tcp->dst_port, service(tcp->dst_port),
			(unsigned long long)tcp->dst_inode, event->count);
		break;
	}
}

static void count_pair(const struct event_record *event)
{
	u32 at = (slot_of(event->src) ^ slot_of(event->dst) ^ event->kind) % PAIRS;
	/* the first field behind the header tells the place in all kinds that are known here */
	u64 inode = *(const u64 *)(event + 1);
	struct pair *pair;

	for (;; at = (at + 1) % PAIRS) {
		pair = &pairs[at];
		if (!pair->used)
			break;
		if (pair->kind == event->kind && pair->inode == inode &&
		    !memcmp(&pair->src, &event->src, sizeof(event->src)) &&
		    !memcmp(&pair->dst, &event->dst, sizeof(event->dst)))
			break;
	}
	pair->used = 1;
	pair->kind = event->kind;
	pair->inode = inode;
	pair->src = event->src;
	pair->dst = event->dst;
	pair->events++;
	pair->bytes += event->count;
}

static void print_event(const struct event_record *event, const u8 *data, u32 length)
{
	u64 time = event->time + boot_to_real;
	const char *words;

	events++;
	if (form == FORM_COUNT) {
		count_pair(event);
		return;
	}
	words = clock_words(time / 1000000000);
	if (form == FORM_TEXT) {
		fprintf(out, "%s.%09llu %s %d(%s) > %d(%s)", words,
			(unsigned long long)(time % 1000000000), kind_names[event->kind],
			event->src.tgid, name_of(event->src), event->dst.tgid, name_of(event->dst));
		print_meta(event);
		fputc('\n', out);
		if (contents >= 0)
			print_hexdump(data, length);
		return;
	}
	fprintf(out,
		"{\"src_pid\":%d,\"src_comm\":\"%s\",\"dst_pid\":%d,\"dst_comm\":\"%s\","
		"\"type\":\"%s\",\"time\":\"%s.%09llu%s\",\"meta\":{",
		event->src.tgid, name_of(event->src), event->dst.tgid, name_of(event->dst),
		kind_names[event->kind], words, (unsigned long long)(time % 1000000000),
		zone_words());
	print_meta(event);
	fputc('}', out);
	if (contents >= 0) {
		fputs(",\"bytes\":\"", out);
		print_base64(data, length);
		fputc('"', out);
	}
	fputs("}\n", out);
}
