/*
 * with NUMBERS COMMAND [ARGUMENT...]: runs it as the user nobody usually is, with these capabilities (separated by
 * commas, may be empty) and no others.
 */
#include "truth.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

int main(int argc, char **argv)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	int numbers[64], count = 0, program;

	check(argc > 2, "usage: with NUMBERS COMMAND");
	for (char *word = strtok(argv[1], ","); word && count < 64; word = strtok(NULL, ","))
		numbers[count++] = atoi(word);
	/* opened first: the folders above it may be closed to nobody */
	program = open(argv[2], O_PATH);
	check(prctl(PR_SET_KEEPCAPS, 1) == 0, "prctl");
	check(setgroups(0, NULL) == 0, "setgroups");
	check(setresgid(65534, 65534, 65534) == 0, "setresgid");
	check(setresuid(65534, 65534, 65534) == 0, "setresuid");
	for (int i = 0; i < count; i++) {
		unsigned bit = 1u << numbers[i] % 32;
		struct __user_cap_data_struct *set = &data[numbers[i] / 32];

		set->permitted |= bit;
		set->effective |= bit;
		set->inheritable |= bit;
	}
	check(syscall(SYS_capset, &header, data) == 0, "capset");
	for (int i = 0; i < count; i++)
		check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, numbers[i], 0, 0) == 0,
		      "raising an ambient capability");
	fexecve(program, argv + 2, environ);
	die(argv[2]);
}
