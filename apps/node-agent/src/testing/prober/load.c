/* Loads that exhaust a node, and the neighbour that must not be affected. */
#include "prober.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define BLOCK (1 << 20)
#define NAMELESS ((size_t)300 << 20)
#define BEAT_US 10000

static _Noreturn void forks(void) {
  for (;;) fork(); /* all of them go on */
}

static _Noreturn void eats(void) {
  for (;;) {
    char *block = malloc(BLOCK);
    if (block) memset(block, 1, BLOCK);
  }
}

static int fills(int file) {
  static char block[BLOCK];
  memset(block, 'x', BLOCK);
  for (size_t at = 99; at < BLOCK; at += 100) block[at] = '\n';
  while (write(file, block, BLOCK) > 0) continue;
  return errno;
}

/* Holds NAMELESS bytes of an unlinked file. Bounded, so that an agent that misses it does not fill its node. */
static _Noreturn void hides(int file, int is_mapped) {
  static char block[BLOCK];
  memset(block, 'x', BLOCK);
  for (size_t at = 0; at < NAMELESS; at += BLOCK)
    if (write(file, block, BLOCK) != BLOCK) exit(errno);
  if (is_mapped) {
    if (mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, file, 0) == MAP_FAILED) exit(errno);
    close(file);
  }
  for (;;) pause();
}

static int unlinked(void) {
  int file = open("/hidden", O_RDWR | O_CREAT, 0600);
  unlink("/hidden");
  return file;
}

static int listener(const char *port) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)atoi(port))}; /* IPv4 too */
  int fd = socket(AF_INET6, SOCK_STREAM, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (void *)&address, sizeof address) < 0 || listen(fd, 128) < 0) exit(errno);
  return fd;
}

/* Answers each connection with one byte. */
static _Noreturn void answers(const char *port) {
  int fd = listener(port);
  for (;;) {
    int caller = accept(fd, NULL, NULL);
    if (caller >= 0 && write(caller, ".", 1) == 1) close(caller);
  }
}

/* Takes the agent's port as soon as it is free, and answers like an agent without certificates. */
static _Noreturn void squats(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  printf("waits\n");
  fflush(stdout);
  while (bind(fd, (void *)&address, sizeof address) < 0) usleep(1000);
  listen(fd, 128);
  printf("took it\n");
  fflush(stdout);
  const char answer[] = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
  for (;;) {
    int caller = accept(fd, NULL, NULL);
    if (caller >= 0 && write(caller, answer, sizeof answer - 1) > 0) close(caller);
  }
}

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Runs a program, writes a file and makes a request: the typical work of a sandbox. @returns whether all succeeded */
static int beat(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
  char byte = 0;
  int status = 1;
  pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", "prober", "nothing", (char *)NULL);
    _exit(1);
  }
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 0;
  int file = open("/tmp/beat", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  int written = write(file, &address, sizeof address) == sizeof address;
  close(file);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  int answered = connect(fd, (void *)&address, sizeof address) == 0 && read(fd, &byte, 1) == 1;
  close(fd);
  return written && answered && byte == '.';
}

/* Beats for ever, and prints the time of each beat: `<ms>`, or `failed`. */
static _Noreturn void beats(const char *port) {
  if (fork() == 0) answers(port);
  usleep(200000);
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (;;) {
    double began = now_ms();
    if (beat(port)) printf("%.2f\n", now_ms() - began);
    else printf("failed\n");
    usleep(BEAT_US);
  }
}

int run_load(const char *name, const char *argument) {
  if (strcmp(name, "nothing") == 0) return 0;
  if (strcmp(name, "fork-bomb") == 0) forks();
  if (strcmp(name, "memory-bomb") == 0) eats();
  if (strcmp(name, "fill-disk") == 0) return fills(open("/full", O_WRONLY | O_CREAT, 0600));
  if (strcmp(name, "fill-log") == 0) return fills(STDOUT_FILENO);
  if (strcmp(name, "hide-unlinked") == 0) hides(unlinked(), 0);
  if (strcmp(name, "hide-mapped") == 0) hides(unlinked(), 1);
  if (strcmp(name, "hide-nameless") == 0) hides(open("/", O_RDWR | O_TMPFILE, 0600), 0);
  if (strcmp(name, "answer") == 0) answers(argument);
  if (strcmp(name, "squat") == 0) squats(argument);
  if (strcmp(name, "beat") == 0) beats(argument);
  printf("prober: no load %s\n", name);
  return 64;
}
