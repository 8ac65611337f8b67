/*
 * A TCP server on the loopback, limited for each client address: a thread for each connection, one keyed limiter for all of them.
 *
 *   server QUOTA CONNECTIONS      such as: server "20/s burst 40" 1000
 *
 * It prints its port, answers each connection with "ok" or "wait <milliseconds>", and ends after so many connections.
 */
#define _DEFAULT_SOURCE
#include <tidegate.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static tidegate_keyed *clients;
static atomic_ulong answered, refused;

typedef struct {
  int socket;
  struct in_addr address;
} connection;

static void *serve(void *argument) {
  connection *c = argument;
  char answer[64];
  tidegate_decision d;
  /* The key is the address as it is: four bytes. */
  tidegate_status status = tidegate_keyed_take(clients, &c->address, sizeof c->address, 1, &d);
  if (status != TIDEGATE_OK) {
    snprintf(answer, sizeof answer, "error %s\n", tidegate_status_message(status));
  } else if (d.allowed) {
    snprintf(answer, sizeof answer, "ok\n");
  } else {
    atomic_fetch_add(&refused, 1);
    /* Rounded up: who comes back when told is not told again. */
    snprintf(answer, sizeof answer, "wait %llu\n", (unsigned long long)(d.retry_after_ns / 1000000 + 1));
  }
  if (write(c->socket, answer, strlen(answer)) >= 0) atomic_fetch_add(&answered, 1);
  close(c->socket);
  free(c);
  return NULL;
}

int main(int argc, char **argv) {
  tidegate_quota quota;
  tidegate_quota_error error;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  pthread_t threads[8];
  unsigned long started = 0;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  unsigned long left = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;

  if (tidegate_quota_parse(argc > 1 ? argv[1] : "20/s burst 40", &quota, &error) != TIDEGATE_OK) {
    fprintf(stderr, "at byte %zu: %s\n", error.position, error.message);
    return 1;
  }
  if (tidegate_keyed_new(TIDEGATE_GCRA, &quota, 100000, &clients) != TIDEGATE_OK) return 1;
  if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 512) != 0 ||
      getsockname(listener, (struct sockaddr *)&at, &size) != 0) {
    perror("server");
    return 1;
  }
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);
  for (; left > 0; left--) {
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    connection *c = malloc(sizeof *c);
    if (c == NULL || (c->socket = accept(listener, (struct sockaddr *)&from, &length)) < 0) break;
    c->address = from.sin_addr;
    /* At most eight at once: the ninth waits for the first. */
    if (started >= 8) pthread_join(threads[started % 8], NULL);
    if (pthread_create(&threads[started % 8], NULL, serve, c) != 0) return 1;
    started++;
  }
  for (left = started > 8 ? started - 8 : 0; left < started; left++) pthread_join(threads[left % 8], NULL);
  fprintf(stderr, "server: %lu answered, %lu of them refused\n", atomic_load(&answered), atomic_load(&refused));
  tidegate_keyed_free(clients);
  close(listener);
  return 0;
}
