/* Looks up users and groups in the image's files, by docker's rules. The files are untrusted: bounded reads, and opens
 * that do not block. */
#define _GNU_SOURCE
#include "launcher.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (1 << 20)
#define MAX_ID 2147483647UL
#define FIELDS 7

static char passwd[MAX_FILE + 1], group[MAX_FILE + 1];

/* Reads a file; a missing one, or one that is not regular, is empty. */
static char *read_file(const char *path, char *text) {
  struct stat found;
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  size_t length = 0;
  if (fd >= 0 && fstat(fd, &found) == 0 && S_ISREG(found.st_mode)) {
    if (found.st_size > MAX_FILE) fail_with(path, EFBIG);
    ssize_t got;
    while (length < MAX_FILE && (got = read(fd, text + length, MAX_FILE - length)) > 0) length += (size_t)got;
  }
  if (fd >= 0) close(fd);
  text[length] = '\0';
  return text;
}

/* Parses an id. A name of digits only is taken as a number. */
static bool to_id(const char *text, unsigned long *id) {
  size_t length = strlen(text);
  if (length == 0 || length > 10 || strspn(text, "0123456789") != length) return false;
  *id = strtoul(text, NULL, 10);
  return *id <= MAX_ID;
}

static bool is_number(const char *text) { return *text != '\0' && strspn(text, "0123456789") == strlen(text); }

/* The next row's fields, empty where the row has fewer; false at the end. */
static bool next_row(char **text, char *fields[FIELDS]) {
  static char none[] = "";
  char *line = strsep(text, "\n");
  if (line == NULL) return false;
  while (isspace((unsigned char)*line)) line++;
  for (size_t end = strlen(line); end > 0 && isspace((unsigned char)line[end - 1]); end--) line[end - 1] = '\0';
  for (size_t i = 0; i < FIELDS; i++) {
    char *field = line == NULL ? none : strsep(&line, ":");
    fields[i] = field;
  }
  return true;
}

static bool has_member(char *members, const char *name) {
  for (char *member; (member = strsep(&members, ",")) != NULL;)
    if (strcmp(member, name) == 0) return true;
  return false;
}

/* Finds the first matching row; a number matches ids only. Returns the user's name; NULL where the id has no row. */
static const char *find_user(const char *wanted, struct user *user) {
  unsigned long id = 0, uid, gid;
  const bool by_id = to_id(wanted, &id);
  char *rows = read_file("/etc/passwd", passwd), *fields[FIELDS];
  while (next_row(&rows, fields)) {
    if (!to_id(fields[2], &uid) || !to_id(fields[3], &gid)) continue;
    if (by_id ? uid != id : strcmp(fields[0], wanted) != 0) continue;
    user->uid = (uid_t)uid;
    user->gid = (gid_t)gid;
    if (fields[5][0] == '/') user->home = fields[5];
    return fields[0];
  }
  if (!by_id) fail_with("user", is_number(wanted) ? ERANGE : ENOENT);
  user->uid = (uid_t)id;
  return NULL;
}

static void find_group(const char *wanted, struct user *user) {
  unsigned long id = 0, gid;
  const bool by_id = to_id(wanted, &id);
  char *rows = read_file("/etc/group", group), *fields[FIELDS];
  while (next_row(&rows, fields)) {
    if (!to_id(fields[2], &gid) || (by_id ? gid != id : strcmp(fields[0], wanted) != 0)) continue;
    user->gid = (gid_t)gid;
    return;
  }
  if (!by_id) fail_with("group", is_number(wanted) ? ERANGE : ENOENT);
  user->gid = (gid_t)id;
}

static void add_groups_of(const char *name, struct user *user) {
  unsigned long gid;
  char *rows = read_file("/etc/group", group), *fields[FIELDS];
  while (next_row(&rows, fields)) {
    if (!to_id(fields[2], &gid) || gid == user->gid || !has_member(fields[3], name)) continue;
    if (user->group_count == MAX_GROUPS) fail_with("/etc/group", E2BIG);
    user->groups[user->group_count++] = (gid_t)gid;
  }
}

struct user user_of(char *named) {
  struct user user = {.home = "/"};
  char *wanted_group = named, *wanted = strsep(&wanted_group, ":");
  const bool has_group = wanted_group != NULL && *wanted_group != '\0';
  const char *name = find_user(*wanted == '\0' ? "0" : wanted, &user);
  if (has_group) find_group(wanted_group, &user);
  user.groups[user.group_count++] = user.gid; /* GHSA-rc4r-wh2q-q6c4: the primary group is a supplementary one too */
  if (!has_group && name != NULL) add_groups_of(name, &user);
  return user;
}
