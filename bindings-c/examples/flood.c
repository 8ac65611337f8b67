/*
 * A flood against examples/server.c, from three addresses of the loopback at once; it shows what each was granted.
 *
 *   flood PORT CONNECTIONS ALLOWED
 *
 * Each address makes CONNECTIONS of them, one after the other. With ALLOWED, anything but exactly so many "ok" for each address is a failure.
 */
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 3

typedef struct {
  char address[16];
  unsigned long granted, refused, failed, last_wait;
} client;

static unsigned short port;
static unsigned long connections;

static void *flood(void *argument) {
  client *me = argument;
  unsigned long n;
  for (n = 0; n < connections; n++) {
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
    char answer[64] = "";
    int s = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, me->address, &from.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    if (bind(s, (struct sockaddr *)&from, sizeof from) != 0 || connect(s, (struct sockaddr *)&to, sizeof to) != 0 ||
        read(s, answer, sizeof answer - 1) <= 0) {
      me->failed++;
    } else if (strcmp(answer, "ok\n") == 0) {
      me->granted++;
    } else if (sscanf(answer, "wait %lu", &me->last_wait) == 1) {
      me->refused++;
    } else {
      me->failed++;
    }
    close(s);
  }
  return NULL;
}

int main(int argc, char **argv) {
  client clients[CLIENTS];
  pthread_t threads[CLIENTS];
  const long allowed = argc > 3 ? strtol(argv[3], NULL, 10) : -1;
  int n, wrong = 0;
  if (argc < 3) {
    fputs("flood PORT CONNECTIONS [ALLOWED]\n", stderr);
    return 2;
  }
  port = (unsigned short)strtoul(argv[1], NULL, 10);
  connections = strtoul(argv[2], NULL, 10);
  memset(clients, 0, sizeof clients);
  for (n = 0; n < CLIENTS; n++) {
    snprintf(clients[n].address, sizeof clients[n].address, "127.0.0.%d", n + 2);
    if (pthread_create(&threads[n], NULL, flood, &clients[n]) != 0) return 1;
  }
  for (n = 0; n < CLIENTS; n++) {
    client *c = &clients[n];
    pthread_join(threads[n], NULL);
    printf("%s: %lu ok, %lu told to wait (at last %lu ms), %lu failed\n", c->address, c->granted, c->refused,
           c->last_wait, c->failed);
    wrong |= c->failed != 0 || (allowed >= 0 && c->granted != (unsigned long)allowed);
  }
  return wrong;
}
