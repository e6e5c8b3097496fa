/*
 * The tests' hostile program, static, for an image of its own. Without arguments it makes every attempt, each in a
 * process of its own, and prints a line for each: `name: refused (EPERM)`, `name: killed (SIGSYS)` or `name: DONE`.
 * With the name of a load it runs that load.
 */
#include "prober.h"
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define SECONDS 10 /* timeout of one attempt */

static char *said; /* shared with the process that makes the attempt */
#define SAID 256

const char *setting(const char *name) {
  const char *value = getenv(name);
  if (!value) {
    printf("prober: %s is not set\n", name);
    exit(64);
  }
  return value;
}

void detail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(said, SAID, format, arguments);
  va_end(arguments);
}

static void make(const struct attempt *attempt) {
  fflush(stdout);
  said[0] = 0;
  pid_t child = fork();
  if (child == 0) {
    alarm(SECONDS);
    errno = 0;
    _exit(attempt->try_it());
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("%s: ", attempt->name);
  if (WIFSIGNALED(status)) printf("killed (SIG%s)", sigabbrev_np(WTERMSIG(status)));
  else if (WEXITSTATUS(status) == 0) printf("DONE");
  else printf("refused (%s)", strerrorname_np(WEXITSTATUS(status)));
  if (said[0]) printf(" %s", said);
  printf("\n");
}

int main(int count, char **arguments) {
  if (count > 1) return run_load(arguments[1], count > 2 ? arguments[2] : "");
  said = mmap(NULL, SAID, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const struct attempt *groups[] = {kernel_attempts, file_attempts, network_attempts};
  for (size_t group = 0; group < sizeof groups / sizeof *groups; group++)
    for (const struct attempt *attempt = groups[group]; attempt->name; attempt++) make(attempt);
  printf("all tried\n");
}
