/* Opening listeners: endpoints, options that reach the kernel, Unix sockets and their files. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include "net/listener.h"
#include "net/listener_private.h"

static char error[256];

static struct listener *open_plain(const char *endpoint)
{
    struct listener_settings settings = {.endpoint = endpoint, .backlog = 20, .file_mode = 0660};
    error[0] = '\0';
    return listener_open(&settings, error, sizeof error);
}

/* Connects to where the listener is bound, by way of `host`. The fd, or a negative errno. */
static int connect_to(const struct listener *listener, const char *host)
{
    struct sockaddr_storage sa;
    struct net_addr addr;
    CU_ASSERT_FATAL(net_addr_parse(&addr, host));
    addr.port = listener_address(listener)->port;
    socklen_t size = net_addr_to_sockaddr(&addr, &sa);
    int fd = socket(addr.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, size) < 0) {
        close(fd);
        return -errno;
    }
    return fd;
}

/* Listens where a connection to the same port of `host` is refused: another process may have that port there. */
static struct listener *open_where_refused(const char *pattern, const char *host)
{
    for (unsigned tries = 0; tries < 100; tries++) {
        struct listener *listener = open_plain(pattern);
        CU_ASSERT_PTR_NOT_NULL_FATAL(listener);
        int fd = connect_to(listener, host);
        if (fd == -ECONNREFUSED)
            return listener;
        if (fd >= 0)
            close(fd);
        listener_close(listener);
    }
    CU_FAIL_FATAL("it is never refused");
    return NULL;
}

static bool have_ipv6(void)
{
    struct listener *listener = open_plain("[::1]:0");
    listener_close(listener);
    return listener != NULL;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    CU_ASSERT_EQUAL(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

/* ---- endpoints ------------------------------------------------------------------------------- */

static void test_check(void)
{
    static const char *const good[] = {":25",       "*:25",           "10.0.0.1:25",          "[::1]:25",
                                       "[*]:25",    "[::]:25",        "[::192.168.0.1]:25",   "[::C0A8:1]:25",
                                       "/tmp/2025", ":65535",         "[0:0:0:0:0:0:0:0]:25", ":0",
                                       "/",         "[fe80::1%lo]:25"};
    static const char *const bad[] = {"",
                                      "25",
                                      "10.0.0.1",
                                      "10.0.0.1:",
                                      "10.0.0.1:smtp",
                                      ":-1",
                                      ":65536",
                                      "::1:25",
                                      "[::1]",
                                      "[::1:25",
                                      "localhost:25",
                                      "[]:25",
                                      "[*:25",
                                      "10.0.0:25",
                                      "tmp/2025",
                                      "* :25",
                                      ":25 ",
                                      "**:25",
                                      ":99999999999999999999"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT(listener_endpoint_check(good[i], error, sizeof error));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error[0] = '\0';
        CU_ASSERT_FALSE(listener_endpoint_check(bad[i], error, sizeof error));
        CU_ASSERT(error[0] != '\0' && !strchr(error, '\n'));
    }
    char path[200];
    memset(path, '/', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    CU_ASSERT_FALSE(listener_endpoint_check(path, error, sizeof error));
    path[107] = '\0';
    CU_ASSERT(listener_endpoint_check(path, error, sizeof error));
    CU_ASSERT_FALSE(listener_endpoint_check("nonsense", error, 8)); /* a short buffer is respected */
    CU_ASSERT_EQUAL(strlen(error), 7);
}

static void test_ipv4(void)
{
    static const char *const wildcards[] = {":0", "*:0"};
    char text[NET_ADDR_TEXT_SIZE];
    for (size_t i = 0; i < 2; i++) {
        struct listener *listener = open_plain(wildcards[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(listener);
        CU_ASSERT_STRING_EQUAL(listener_endpoint(listener), wildcards[i]);
        CU_ASSERT_STRING_EQUAL(net_addr_format(listener_address(listener), text), "0.0.0.0");
        CU_ASSERT(listener_address(listener)->port > 0);
        int fd = connect_to(listener, "127.0.0.1");
        CU_ASSERT(fd >= 0);
        close(fd);
        listener_close(listener);
    }
    struct listener *listener = open_where_refused("127.0.0.2:0", "127.0.0.1");
    CU_ASSERT_STRING_EQUAL(net_addr_format(listener_address(listener), text), "127.0.0.2");
    int fd = connect_to(listener, "127.0.0.2");
    CU_ASSERT(fd >= 0);
    close(fd);
    listener_close(listener);
    listener_close(NULL);
}

static void test_ipv6(void)
{
    char text[NET_ADDR_TEXT_SIZE], name[32];
    if (!have_ipv6())
        return; /* a kernel without IPv6 */
    struct listener *listener = open_plain("[::1]:0");
    CU_ASSERT_STRING_EQUAL(net_addr_format(listener_address(listener), text), "::1");
    int fd = connect_to(listener, "::1");
    CU_ASSERT(fd >= 0);
    close(fd);
    listener_close(listener);

    struct listener *any4 = NULL, *any6 = NULL;
    for (unsigned tries = 0; tries < 100 && !any4; tries++) {
        listener_close(any6);
        any6 = open_where_refused("[*]:0", "127.0.0.1");
        snprintf(name, sizeof name, "*:%u", listener_address(any6)->port);
        any4 = open_plain(
            name); /* beside it, on the same port, unless somebody else has it on another address */
    }
    CU_ASSERT_PTR_NOT_NULL(any4);
    CU_ASSERT_STRING_EQUAL(net_addr_format(listener_address(any6), text), "::");
    CU_ASSERT_EQUAL(option(any6->socket.fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    listener_close(any4);
    listener_close(any6);
}

static void test_errors(void)
{
    char name[32];
    struct listener *listener = open_plain("127.0.0.1:0");
    CU_ASSERT_PTR_NOT_NULL_FATAL(listener);
    snprintf(name, sizeof name, "127.0.0.1:%u", listener_address(listener)->port);
    CU_ASSERT_PTR_NULL(open_plain(name));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, name));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, strerror(EADDRINUSE)));
    listener_close(listener);
    CU_ASSERT_PTR_NULL(open_plain("192.0.2.1:0")); /* not an address of this host */
    CU_ASSERT_PTR_NOT_NULL(strstr(error, strerror(EADDRNOTAVAIL)));
    CU_ASSERT_PTR_NULL(open_plain("somewhere"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "Listen \"somewhere\""));
}

/* A port whose connections of a moment ago are in TIME_WAIT can be bound again at once. */
static void test_restart(void)
{
    char name[32], byte;
    struct listener *listener = open_plain("127.0.0.1:0");
    snprintf(name, sizeof name, "127.0.0.1:%u", listener_address(listener)->port);
    int fd = connect_to(listener, "127.0.0.1");
    int server = accept4(listener->socket.fd, NULL, NULL, SOCK_CLOEXEC);
    CU_ASSERT(server >= 0);
    close(server); /* the side that closes first keeps TIME_WAIT */
    CU_ASSERT_EQUAL(read(fd, &byte, 1), 0);
    close(fd);
    listener_close(listener);
    listener = open_plain(name);
    CU_ASSERT_PTR_NOT_NULL(listener);
    listener_close(listener);
}

/* ---- options --------------------------------------------------------------------------------- */

static void test_options(void)
{
    struct listener_settings settings = {.endpoint = "127.0.0.1:0",
                                         .backlog = 33,
                                         .recv_buffer = 20000,
                                         .send_buffer = 30000,
                                         .no_delay = true};
    struct listener *listener = listener_open(&settings, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(listener);
    CU_ASSERT(fcntl(listener->socket.fd, F_GETFL) & O_NONBLOCK);
    CU_ASSERT(fcntl(listener->socket.fd, F_GETFD) & FD_CLOEXEC);
    CU_ASSERT_EQUAL(option(listener->socket.fd, SOL_SOCKET, SO_REUSEADDR), 1);
    CU_ASSERT_EQUAL(option(listener->socket.fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
    struct tcp_info info;
    socklen_t size = sizeof info;
    CU_ASSERT_EQUAL(getsockopt(listener->socket.fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    CU_ASSERT_EQUAL(info.tcpi_sacked, 33); /* of a listening socket: the backlog's limit */

    int fd = connect_to(listener, "127.0.0.1");
    struct connection connection;
    CU_ASSERT_EQUAL_FATAL(accept_connection(&listener->socket, &connection), ACCEPT_CONNECTION);
    CU_ASSERT_EQUAL(option(connection.fd, SOL_SOCKET, SO_RCVBUF),
                    40000); /* the kernel doubles it, socket(7) */
    CU_ASSERT_EQUAL(option(connection.fd, SOL_SOCKET, SO_SNDBUF), 60000);
    CU_ASSERT_EQUAL(option(connection.fd, IPPROTO_TCP, TCP_NODELAY), 1);
    CU_ASSERT(fcntl(connection.fd, F_GETFL) & O_NONBLOCK);
    CU_ASSERT(fcntl(connection.fd, F_GETFD) & FD_CLOEXEC);
    CU_ASSERT_EQUAL(accept_connection(&listener->socket, &connection), ACCEPT_NOTHING);
    close(connection.fd);
    close(fd);
    listener_close(listener);

    listener = open_plain("127.0.0.1:0");
    fd = connect_to(listener, "127.0.0.1");
    CU_ASSERT_EQUAL_FATAL(accept_connection(&listener->socket, &connection), ACCEPT_CONNECTION);
    CU_ASSERT_EQUAL(option(connection.fd, IPPROTO_TCP, TCP_NODELAY), 0);
    CU_ASSERT_NOT_EQUAL(option(connection.fd, SOL_SOCKET, SO_SNDBUF), 60000);
    close(connection.fd);
    close(fd);
    listener_close(listener);
}

static void test_addresses(void)
{
    struct listener *listener = open_plain("*:0");
    struct connection connection;
    char text[NET_ADDR_TEXT_SIZE], expected[NET_ADDR_TEXT_SIZE];
    int fd = connect_to(listener, "127.0.0.3");
    CU_ASSERT_EQUAL_FATAL(accept_connection(&listener->socket, &connection), ACCEPT_CONNECTION);
    snprintf(expected, sizeof expected, "127.0.0.3:%u", listener_address(listener)->port);
    CU_ASSERT_STRING_EQUAL(net_addr_format_port(&connection.local, text), expected);
    struct sockaddr_storage own;
    struct net_addr peer;
    socklen_t size = sizeof own;
    getsockname(fd, (struct sockaddr *)&own, &size);
    net_addr_from_sockaddr(&peer, (struct sockaddr *)&own);
    CU_ASSERT(net_addr_equal(&connection.peer, &peer));
    close(connection.fd);
    close(fd);
    listener_close(listener);
}

/* ---- Unix sockets ---------------------------------------------------------------------------- */

static char directory[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16];

static void set_up(void)
{
    unit_directory(directory);
    snprintf(path, sizeof path, "%s/socket", directory);
}

static int connect_unix(const char *name)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s", name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&sun, sizeof sun) == 0)
        return fd;
    close(fd);
    return -errno;
}

static void test_unix(void)
{
    struct stat file;
    struct connection connection;
    set_up();
    mode_t mask = umask(077); /* File_Mode is what counts */
    struct listener *listener = open_plain(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(listener);
    CU_ASSERT(stat(path, &file) == 0 && S_ISSOCK(file.st_mode) && (file.st_mode & 0777) == 0660);
    CU_ASSERT_EQUAL(listener_address(listener)->family, AF_UNIX);
    CU_ASSERT_STRING_EQUAL(listener_endpoint(listener), path);
    int fd = connect_unix(path);
    CU_ASSERT_EQUAL_FATAL(accept_connection(&listener->socket, &connection), ACCEPT_CONNECTION);
    CU_ASSERT(connection.peer.family == AF_UNIX && connection.local.family == AF_UNIX);
    close(connection.fd);
    close(fd);
    listener_close(listener);
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
    struct listener_settings settings = {.endpoint = path, .backlog = 5, .file_mode = 0606, .no_delay = true};
    umask(0);
    listener = listener_open(&settings, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(listener);
    CU_ASSERT(stat(path, &file) == 0 && (file.st_mode & 0777) == 0606);
    listener_close(listener);
    umask(mask);
    unit_directory_remove(directory);
}

static void test_unix_stale(void)
{
    set_up();
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL(bind(dead, (struct sockaddr *)&sun, sizeof sun), 0);
    CU_ASSERT_EQUAL(listen(dead, 1), 0);
    close(dead); /* the file stays, as after a crash */
    struct listener *listener = open_plain(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(listener);
    int fd = connect_unix(path);
    CU_ASSERT(fd >= 0);
    close(fd);

    CU_ASSERT_PTR_NULL(open_plain(path)); /* this one is alive */
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "another process listens there"));
    fd = connect_unix(path);
    CU_ASSERT(fd >= 0);
    close(fd);
    listener_close(listener);
    unit_directory_remove(directory);
}

/* A living listener whose backlog is full does not answer, and is not stale. */
static void test_unix_full(void)
{
    set_up();
    struct listener_settings settings = {.endpoint = path, .backlog = 0, .file_mode = 0600};
    struct listener *listener = listener_open(&settings, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(listener);
    int fd = connect_unix(path);
    CU_ASSERT_PTR_NULL(open_plain(path));
    close(fd);
    listener_close(listener);
    unit_directory_remove(directory);
}

static void test_unix_not_ours(void)
{
    struct stat file;
    set_up();
    close(open(path, O_CREAT | O_WRONLY, 0600));
    CU_ASSERT_PTR_NULL(open_plain(path)); /* a plain file is nobody's stale socket */
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "not a socket"));
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    unlink(path);
    struct listener *first = open_plain(path);
    unlink(path); /* somebody put another socket in its place */
    struct listener *second = open_plain(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(second);
    listener_close(first);
    CU_ASSERT(stat(path, &file) == 0 && S_ISSOCK(file.st_mode));
    listener_close(second);
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
    CU_ASSERT_PTR_NULL(open_plain("/nonexistent/dir/socket"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, strerror(ENOENT)));
    unit_directory_remove(directory);
}

/* ---- changing -------------------------------------------------------------------------------- */

static void test_keys(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } pairs[] = {{":25", "*:25", true},
                 {":25", "0.0.0.0:25", true},
                 {"[*]:25", "[::]:25", true},
                 {":25", "[*]:25", false},
                 {":25", ":26", false},
                 {"[::1]:25", "[0::1]:25", true},
                 {"/tmp/a", "/tmp/a", true},
                 {"/tmp/a", "/tmp/b", false},
                 {":0", "*:0", false},
                 {"10.0.0.1:25", ":25", false},
                 {"10.0.0.1:25", "10.0.0.1:025", true}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char a[LISTENER_KEY_SIZE], b[LISTENER_KEY_SIZE];
        listener_endpoint_key(pairs[i].a, a);
        listener_endpoint_key(pairs[i].b, b);
        CU_ASSERT_EQUAL(strcmp(a, b) == 0, pairs[i].same);
    }
}

static int accepted_buffer(const struct listener *listener, int name)
{
    int client = connect_to(listener, "127.0.0.1"), fd;
    while ((fd = accept4(listener->socket.fd, NULL, NULL, SOCK_CLOEXEC)) < 0 && errno == EAGAIN)
        ; /* the listening side is established a little later */
    int size = option(fd, SOL_SOCKET, name);
    close(fd);
    close(client);
    return size;
}

/* What an open socket can still become, and what it cannot. */
static void test_change(void)
{
    struct listener_settings settings = {.endpoint = "127.0.0.1:0", .backlog = 20, .recv_buffer = 20000};
    struct listener *listener = listener_open(&settings, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(listener);
    CU_ASSERT_EQUAL(accepted_buffer(listener, SO_RCVBUF), 40000); /* the kernel doubles it */
    settings.recv_buffer = 30000;
    settings.send_buffer = 25000;
    settings.backlog = 10;
    CU_ASSERT(listener_change(listener, &settings, error, sizeof error));
    CU_ASSERT_EQUAL(accepted_buffer(listener, SO_RCVBUF), 60000);
    CU_ASSERT_EQUAL(accepted_buffer(listener, SO_SNDBUF), 50000);
    struct tcp_info info;
    getsockopt(listener->socket.fd, IPPROTO_TCP, TCP_INFO, &info, &(socklen_t){sizeof info});
    CU_ASSERT_EQUAL(info.tcpi_sacked, 10); /* the backlog of a listening socket */
    settings.send_buffer = 0;
    CU_ASSERT_FALSE(listener_change(listener, &settings, error, sizeof error));
    CU_ASSERT(strstr(error, "TCP_Send_Buffer_Size") != NULL);
    listener_close(listener);

    struct stat file;
    unit_directory(directory);
    snprintf(path, sizeof path, "%s/s", directory);
    settings = (struct listener_settings){.endpoint = path, .backlog = 20, .file_mode = 0660};
    listener = listener_open(&settings, error, sizeof error);
    settings.file_mode = 0600;
    CU_ASSERT(listener_change(listener, &settings, error, sizeof error));
    CU_ASSERT(stat(path, &file) == 0 && (file.st_mode & 07777) == 0600);

    char other[UNIT_PATH_SIZE + 8];
    snprintf(other, sizeof other, "%s/other", directory);
    close(open(other, O_CREAT | O_WRONLY, 0600));
    unlink(path);
    CU_ASSERT_EQUAL(symlink(other, path), 0); /* whose mode is not for the console to change */
    settings.file_mode = 0666;
    CU_ASSERT_FALSE(listener_change(listener, &settings, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "File_Mode"));
    CU_ASSERT(stat(other, &file) == 0 && (file.st_mode & 07777) == 0600);
    unlink(path);
    listener_close(listener);
    unit_directory_remove(directory);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"endpoint check", test_check},
        {"IPv4", test_ipv4},
        {"IPv6", test_ipv6},
        {"errors", test_errors},
        {"restart", test_restart},
        {"options", test_options},
        {"addresses", test_addresses},
        {"Unix socket", test_unix},
        {"stale Unix socket", test_unix_stale},
        {"full Unix socket", test_unix_full},
        {"files that are not ours", test_unix_not_ours},
        {"keys of addresses", test_keys},
        {"changes of an open socket", test_change},
        CU_TEST_INFO_NULL,
    };
    return unit_run("listener", tests);
}
