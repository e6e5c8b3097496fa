/* Makes files and folders that the image lacks. Every path is resolved by the kernel, in the image's root. */
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_LINKS 40 /* ELOOP, as the kernel counts */

/* Makes the missing folders of `path` up to its byte `length`. */
static int make_up_to(const char *path, size_t length) {
  char part[PATH_MAX];
  if (length >= sizeof part) {
    errno = ENAMETOOLONG;
    return -1;
  }
  for (size_t i = 1; i <= length; i++) {
    if (i < length && path[i] != '/') continue;
    memcpy(part, path, i);
    part[i] = '\0';
    if (mkdir(part, 0755) < 0 && errno != EEXIST) return -1;
  }
  return 0;
}

/* Resolves the links that `path` ends in to the missing target of the last one, and makes the folders above it. */
static int missing_end(const char *path, char here[PATH_MAX]) {
  char target[PATH_MAX], next[2 * PATH_MAX];
  size_t end = strlen(path);
  while (end > 1 && path[end - 1] == '/') end--;
  if (end >= PATH_MAX) {
    errno = ENAMETOOLONG;
    return -1;
  }
  snprintf(here, PATH_MAX, "%.*s", (int)end, path);
  for (int links = 0; links < MAX_LINKS; links++) {
    size_t folder = (size_t)(strrchr(here, '/') - here);
    if (make_up_to(here, folder) < 0) return -1;
    ssize_t length = readlink(here, target, sizeof target - 1);
    if (length < 0) return errno == ENOENT ? 0 : -1;
    target[length] = '\0';
    if (target[0] == '/') snprintf(next, sizeof next, "%s", target);
    else snprintf(next, sizeof next, "%.*s/%s", (int)folder, here, target);
    if (strlen(next) >= PATH_MAX) {
      errno = ENAMETOOLONG;
      return -1;
    }
    strcpy(here, next);
  }
  errno = ELOOP;
  return -1;
}

int make_folders(const char *path) {
  char end[PATH_MAX];
  struct stat found;
  if (stat(path, &found) < 0) {
    if (errno != ENOENT || missing_end(path, end) < 0 || mkdir(end, 0755) < 0 || stat(path, &found) < 0) return -1;
  }
  if (S_ISDIR(found.st_mode)) return 0;
  errno = ENOTDIR;
  return -1;
}

/* Whether the nearest existing parent is on a file system of another type than the root's. */
static int leaves_root(char *path) {
  struct statfs own, other;
  while (statfs(path, &other) < 0) {
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) return 0;
    *slash = '\0';
  }
  return statfs("/", &own) == 0 && own.f_type != other.f_type;
}

static int make_dangling(const char *path) {
  char end[PATH_MAX];
  int fd = -1, reason;
  if (missing_end(path, end) == 0) fd = open(end, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd >= 0) return close(fd);
  reason = errno;
  errno = leaves_root(end) ? EXDEV : reason;
  return -1;
}

int make_cgroups_read_only(void) {
  const unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  char line[4 * PATH_MAX], path[PATH_MAX];
  struct statfs of;
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  if (mounts == NULL || fstatfs(fileno(mounts), &of) < 0) return -1;
  if (of.f_type != PROC_SUPER_MAGIC) {
    errno = EXDEV;
    return -1;
  }
  while (fgets(line, sizeof line, mounts) != NULL) {
    if (sscanf(line, "%*d %*d %*s %*s %4095s", path) != 1) continue;
    if (strstr(line, " - cgroup") == NULL && strcmp(path, "/sys/fs/cgroup") != 0) continue;
    if (mount(NULL, path, NULL, flags, NULL) < 0) return -1;
  }
  fclose(mounts);
  return 0;
}

int make_file(const char *path) {
  struct stat found;
  struct statfs own, other;
  if (stat(path, &found) < 0 && (errno != ENOENT || make_dangling(path) < 0 || stat(path, &found) < 0)) return -1;
  if (statfs("/", &own) < 0 || statfs(path, &other) < 0) return -1;
  if (own.f_type != other.f_type) errno = EXDEV;
  else if (S_ISDIR(found.st_mode)) errno = EISDIR;
  else if (!S_ISREG(found.st_mode)) errno = EINVAL;
  else return 0;
  return -1;
}
