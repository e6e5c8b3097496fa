/* Attempts of a hostile sandbox, one function each. See prober.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct attempt {
  const char *name;
  /* Returns 0 where the attempt succeeded, else the errno of the refusal. May add text by `detail`. */
  int (*try_it)(void);
};

extern const struct attempt kernel_attempts[], file_attempts[], network_attempts[];

/* Reads a setting from the environment; exits where it is missing. */
const char *setting(const char *name);
/* Sets the text to print after the outcome. */
void detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline int outcome(long result) { return result < 0 ? errno : 0; }

/* Runs a load of load.c. Most never return. */
int run_load(const char *name, const char *argument);
