/* kept: what BPF objects the kernel holds, a line each: "program 12", "map 34", "link 5", "types 6". */
#include "truth.h"
#include <linux/bpf.h>
#include <sys/syscall.h>

static void list(const char *what, int command)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	while (syscall(SYS_bpf, command, &attributes, sizeof(attributes)) == 0) {
		printf("%s %u\n", what, attributes.next_id);
		attributes.start_id = attributes.next_id;
	}
	check(errno == ENOENT, what);
}

int main(void)
{
	list("program", BPF_PROG_GET_NEXT_ID);
	list("map", BPF_MAP_GET_NEXT_ID);
	list("link", BPF_LINK_GET_NEXT_ID);
	list("types", BPF_BTF_GET_NEXT_ID);
	return 0;
}
