#ifndef LAUNCHER_H
#define LAUNCHER_H
#include <sys/types.h>

#define MAX_GROUPS 1024

struct user {
  uid_t uid;
  gid_t gid;
  size_t group_count;
  gid_t groups[MAX_GROUPS];
  const char *home;
};

/* Answers `<step> <errno>` and exits. Nothing of the order has run. */
_Noreturn void fail(const char *step);
_Noreturn void fail_with(const char *step, int error);

/* users.c */

/* Looks up the user of an image's config: `user[:group]`, each a name or a number. Fails with step user, group,
 * /etc/passwd or /etc/group. */
struct user user_of(char *named);

/* paths.c: 0, or -1 and errno */

/* Makes a folder and its parents where they are missing. */
int make_folders(const char *path);
/* Makes sure of a file to mount over: follows links inside the root, and makes the target of a dangling one. EXDEV where
 * it is not one of the image's own files, EISDIR or EINVAL where it is not a regular file. */
int make_file(const char *path);
/* Remounts every cgroup file system of the container read-only, and the tmpfs of cgroup v1, which crun leaves writable.
 * Fails closed. */
int make_cgroups_read_only(void);

/* programs.c */

/* Finds the file to run as docker's runtime does: by PATH, or from the working folder. NULL and errno: none. */
const char *find_program(const char *name, const char *path);
const char *value_of(char *const *variables, const char *name);
/* Gives HOME a value where it is listed without one. */
void set_home(char **variables, const char *home);

#endif
