/* name_server: see name_server.h. */
#include "name_server.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dns/dns_record.h"
#include "unit.h"

enum { CNAME = 5, RRSIG = 46 };

static size_t put_name(unsigned char *at, const char *name)
{
    size_t used = 0;
    while (*name) {
        size_t label = strcspn(name, ".");
        at[used++] = (unsigned char)label;
        memcpy(at + used, name, label);
        used += label;
        name += label + (name[label] == '.');
    }
    at[used++] = 0;
    return used;
}

static size_t put_record(unsigned char *at, const struct zone_row *row)
{
    size_t used = put_name(at, row->name);
    const unsigned char fixed[] = {
        (unsigned char)(row->type >> 8), (unsigned char)row->type, 0, 1, 0, 0, 0x0e, 0x10, 0,
        (unsigned char)row->size};
    memcpy(at + used, fixed, sizeof fixed);
    memcpy(at + used + sizeof fixed, row->rdata, row->size);
    return used + sizeof fixed + row->size;
}

static bool is_answer(const struct zone_row *row, int type)
{
    return row->type == type || row->type == CNAME ||
           (row->type == RRSIG && row->rdata[0] * 256 + row->rdata[1] == type);
}

/* 0: no answer. */
static size_t answer_query(const struct name_server *server, const unsigned char *query, size_t size,
                           unsigned char *reply)
{
    char name[DNS_NAME_SIZE];
    if (size < 17 || !dns_name_text(slice_of((const char *)query + 12, size - 12), name))
        return 0;
    size_t question = 12 + strlen(name) + 2 + 4, used = question;
    int type = query[question - 4] * 256 + query[question - 3], code = NXDOMAIN, count = 0;
    memcpy(reply, query, question);
    for (size_t i = 0; i < server->count; i++) {
        const struct zone_row *row = &server->zone[i];
        if (strcasecmp(row->name, name) != 0)
            continue;
        if (row->code == SILENT)
            return 0;
        code = row->code;
        if (code == NOERROR && is_answer(row, type)) {
            used += put_record(reply + used, row);
            count++;
        }
    }
    const unsigned char header[] = {
        0x84, (unsigned char)(0x80 | code), 0, 1, 0, (unsigned char)count, 0, 0, 0, 0};
    memcpy(reply + 2, header, sizeof header);
    return used;
}

static void *serve_names(void *argument)
{
    const struct name_server *server = argument;
    unsigned char query[1500], reply[4096];
    for (;;) {
        struct sockaddr_in peer;
        socklen_t peer_size = sizeof peer;
        ssize_t size = recvfrom(server->socket, query, sizeof query, 0, (struct sockaddr *)&peer, &peer_size);
        if (size <= 0)
            return NULL;
        size_t answer = answer_query(server, query, (size_t)size, reply);
        if (answer)
            sendto(server->socket, reply, answer, 0, (struct sockaddr *)&peer, peer_size);
    }
}

void name_server_start(struct name_server *server, const struct zone_row *zone, size_t count,
                       const char *resolv_conf)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *server = (struct name_server){.zone = zone, .count = count};
    server->socket = socket(AF_INET, SOCK_DGRAM, 0);
    CU_ASSERT_EQUAL_FATAL(bind(server->socket, (struct sockaddr *)&address, sizeof address), 0);
    getsockname(server->socket, (struct sockaddr *)&address, &size);
    FILE *file = fopen(resolv_conf, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fprintf(file, "nameserver 127.0.0.1@%d\n", ntohs(address.sin_port));
    fclose(file);
    pthread_create(&server->thread, NULL, serve_names, server);
}

void name_server_stop(struct name_server *server)
{
    shutdown(server->socket, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->socket);
}
