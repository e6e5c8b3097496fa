/* Finds an order's program, and reads and sets its variables. */
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *value_of(char *const *variables, const char *name) {
  size_t length = strlen(name);
  for (; *variables; variables++)
    if (strncmp(*variables, name, length) == 0 && (*variables)[length] == '=') return *variables + length + 1;
  return NULL;
}

void set_home(char **variables, const char *home) {
  static char home_variable[PATH_MAX];
  for (; *variables; variables++) {
    if (strcmp(*variables, "HOME") != 0) continue;
    snprintf(home_variable, sizeof home_variable, "HOME=%s", home);
    *variables = home_variable;
  }
}

static bool is_executable(const char *path) {
  struct stat found;
  if (stat(path, &found) < 0) return false;
  if (S_ISREG(found.st_mode)) return access(path, X_OK) == 0;
  errno = EACCES;
  return false;
}

const char *find_program(const char *name, const char *path) {
  static char candidate[PATH_MAX];
  if (strchr(name, '/') != NULL) return is_executable(name) ? name : NULL;
  int reason = ENOENT;
  for (const char *from = path == NULL ? "" : path; *from != '\0';) {
    size_t length = strcspn(from, ":");
    const char *folder = length > 0 ? from : "."; /* an empty entry of PATH is the working folder */
    int written = snprintf(candidate, sizeof candidate, "%.*s/%s", length > 0 ? (int)length : 1, folder, name);
    if (written >= 0 && (size_t)written < sizeof candidate && is_executable(candidate)) return candidate;
    if (errno == EACCES) reason = EACCES;
    from += length + (from[length] == ':');
  }
  errno = reason;
  return NULL;
}
