/* What a hostile sandbox tries, one function each. See prober.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct attempt {
  const char *name;
  /* 0: it was done; else the errno that refused it. May say more by `detail`. */
  int (*try_it)(void);
};

extern const struct attempt kernel_attempts[], file_attempts[], network_attempts[];

/* A setting from the environment; the process ends without it. */
const char *setting(const char *name);
/* Shown behind the outcome. */
void detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline int outcome(long result) { return result < 0 ? errno : 0; }

/* Never ends, or ends when it has done its worst: see load.c. */
int run_load(const char *name, const char *argument);
