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

/* Tells the agent `<step> <errno>` and ends: nothing of the order has run. */
_Noreturn void fail(const char *step);
_Noreturn void fail_with(const char *step, int error);

/* users.c */

/* The user that an image's config names: `user[:group]`, each a name or a number. Ends with step user, group, /etc/passwd or
 * /etc/group. */
struct user user_of(char *named);

/* paths.c: 0, or -1 and errno */

/* A folder, with those above it, where there is none. */
int make_folders(const char *path);
/* A file that can be mounted over: links are followed inside the root, and what one dangles to is made there. EXDEV where it
 * is none of the image's own files, EISDIR or EINVAL where it is no file. */
int make_file(const char *path);
/* Every cgroup file system of the container, and the tmpfs of those of version 1, which crun leaves writable: fails closed. */
int make_cgroups_read_only(void);

/* programs.c */

/* The file to run, as docker's runtime looks for it: by PATH, or from the working folder. NULL and errno: none. */
const char *find_program(const char *name, const char *path);
const char *value_of(char *const *variables, const char *name);
/* Replaces the variable HOME that has no value yet. */
void set_home(char **variables, const char *home);

#endif
