/*
 * Writes a container's log: docs/adr/0021. containerd's shim starts one for each container (binary://) with the read
 * ends of both output pipes. It outlives agent and containerd. The log file has the bytes of both in the order in which
 * they came; the index beside it has the positions at which the stream changes. An entry of the index is 16 bytes,
 * little-endian:   position in the log << 1 | stream (0 stdout, 1 stderr), bytes of stdout before that position. Bytes
 * before the first entry are stdout. An entry is written before its bytes, so that a reader of the bytes finds their
 * entry. Nothing is buffered: an unfinished line is written too.
 *
 *   fsb-logger <log file>    with stdout, stderr and "ready" as descriptors 3, 4, 5
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define READY 5
#define CHUNK (64 << 10)    /* a pipe's usual size */
#define MAX_TURN (1 << 20)  /* bytes of one stream, in mid-line, before it is the other's turn */
#define RETRY_MS 100        /* while the disk is full: the process blocks on its full pipe, and loses nothing */
#define LAST_RETRIES 10     /* after the process has ended */

enum { OUT, ERR, TERMINATE, FDS };

struct entry {
  uint64_t position_and_stream;
  uint64_t stdout_before;
};

static struct pollfd fds[FDS] = {{.fd = 3, .events = POLLIN}, {.fd = 4, .events = POLLIN}, {.events = POLLIN}};
static int log_file, index_file, current = OUT;
static uint64_t end, stdout_bytes, entries;
static int is_ending, retries;
static char buffer[CHUNK];

/* Retries while there is no space. Any other error ends the writer: the process gets SIGPIPE. */
static void write_at(int file, const void *data, size_t length, uint64_t offset) {
  const char *rest = data;
  while (length > 0) {
    ssize_t written = pwrite(file, rest, length, (off_t)offset);
    if (written > 0) {
      rest += written;
      length -= (size_t)written;
      offset += (uint64_t)written;
      continue;
    }
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno != ENOSPC && errno != EDQUOT) _exit(1);
    is_ending |= poll(&fds[TERMINATE], 1, RETRY_MS) > 0;
    if (is_ending) {
      if (++retries > LAST_RETRIES) _exit(1);
      usleep(RETRY_MS * 1000); /* the signal stays pending: poll returns at once */
    }
  }
}

static void append(int stream, size_t length) {
  if (stream != current) {
    struct entry entry = {htole64(end << 1 | (uint64_t)stream), htole64(stdout_bytes)};
    write_at(index_file, &entry, sizeof entry, entries++ * sizeof entry);
    current = stream;
  }
  write_at(log_file, buffer, length, end);
  end += length;
  if (stream == OUT) stdout_bytes += length;
}

/* Copies available bytes, `most` at most, up to the end of a line, so that the other stream does not split it. */
static void copy(int stream, size_t most) {
  while (most > 0) {
    ssize_t got = read(fds[stream].fd, buffer, most < CHUNK ? most : CHUNK);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return; /* a sandbox can read its own output, and be faster */
    if (got <= 0) {
      close(fds[stream].fd);
      fds[stream].fd = -1;
      return;
    }
    append(stream, (size_t)got);
    most -= (size_t)got;
    if (!is_ending && buffer[got - 1] == '\n') return;
  }
}

/* Copies the rest at SIGTERM, which the shim sends when the container's processes are gone, and exits. A write end that
 * another process holds (descriptors can be sent to another sandbox) does not delay the removal. */
static void finish(void) {
  is_ending = 1;
  for (int stream = OUT; stream <= ERR; stream++) {
    int left = 0;
    if (fds[stream].fd >= 0 && ioctl(fds[stream].fd, FIONREAD, &left) == 0) copy(stream, (size_t)left);
  }
  _exit(0);
}

static int open_file(const char *path) {
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (file < 0) _exit(1);
  return file;
}

/* Opens log and index, and continues at their ends. They are empty unless a container's task is made a second time. */
static void open_log(const char *path) {
  char index_path[PATH_MAX];
  struct stat found;
  struct entry last;
  if (snprintf(index_path, sizeof index_path, "%s.streams", path) >= (int)sizeof index_path) _exit(1);
  log_file = open_file(path);
  index_file = open_file(index_path);
  if (fstat(log_file, &found) < 0) _exit(1);
  end = stdout_bytes = (uint64_t)found.st_size;
  if (fstat(index_file, &found) < 0) _exit(1);
  entries = (uint64_t)found.st_size / sizeof last;
  if (entries == 0) return;
  if (pread(index_file, &last, sizeof last, (off_t)((entries - 1) * sizeof last)) != sizeof last) _exit(1);
  uint64_t packed = le64toh(last.position_and_stream);
  current = packed & 1 ? ERR : OUT;
  stdout_bytes = le64toh(last.stdout_before);
  if (current == OUT) stdout_bytes += end - (packed >> 1);
}

static void listen_for_end(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  fds[TERMINATE].fd = signalfd(-1, &signals, SFD_CLOEXEC);
  for (int signal = SIGHUP; signal <= SIGTERM; signal++) sigaddset(&signals, signal);
  if (fds[TERMINATE].fd < 0 || sigprocmask(SIG_BLOCK, &signals, NULL) < 0) _exit(1);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  umask(0);
  open_log(argv[1]);
  listen_for_end();
  if (chdir("/") < 0) return 1;
  for (int stream = OUT; stream <= ERR; stream++)
    if (fcntl(fds[stream].fd, F_SETFL, O_NONBLOCK) < 0) return 1;
  close(READY);
  while (fds[OUT].fd >= 0 || fds[ERR].fd >= 0) {
    if (poll(fds, FDS, -1) < 0) continue;
    if (fds[TERMINATE].revents) finish();
    for (int stream = OUT; stream <= ERR; stream++)
      if (fds[stream].fd >= 0 && fds[stream].revents) copy(stream, MAX_TURN);
  }
  return 0;
}
