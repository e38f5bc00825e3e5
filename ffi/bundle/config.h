/* elfutils' config.h for the few files of libelf we build; written by hand so that its configure never runs. */
#define HAVE_CONFIG_H 1
#define HAVE_VISIBILITY 1
#define HAVE_GCC_STRUCT 1
#define HAVE_STDATOMIC_H 1
#define HAVE_FALLTHROUGH 1
#define HAVE_MREMAP 1
#define HAVE_ERROR_H 1
#define HAVE_DECL_POWEROF2 1
#define HAVE_DECL_MEMPCPY 1
#define HAVE_DECL_MEMRCHR 1
#define HAVE_DECL_RAWMEMCHR 1
#define HAVE_DECL_REALLOCARRAY 1
#define PACKAGE "elfutils"
#define PACKAGE_NAME "elfutils"

#include <eu-config.h>
