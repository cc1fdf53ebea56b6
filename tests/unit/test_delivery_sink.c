/* Delivery to Postfix's smtp-sink, as a real peer: with and without extensions, and over LMTP. */
#include "delivery_harness.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { MESSAGES = 300 };

static const struct slice hello = SLICE_LITERAL("Subject: hi\r\n\r\n.\r\n..hello\r\n\xe4\r\n");

static bool installed(void)
{
    return access("/usr/sbin/smtp-sink", X_OK) == 0;
}

static bool answers(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

/* smtp-sink refuses to run as root. */
static pid_t start_sink(const char *option, unsigned port)
{
    char endpoint[32];
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", port);
    pid_t pid = fork();
    if (pid == 0) {
        const char *as_nobody[] = {"setpriv",
                                   "--reuid=nobody",
                                   "--regid=nogroup",
                                   "--clear-groups",
                                   "--",
                                   "/usr/sbin/smtp-sink",
                                   option,
                                   endpoint,
                                   "100",
                                   NULL};
        if (chdir("/") == 0)
            execvp("setpriv", (char *const *)(geteuid() == 0 ? as_nobody : as_nobody + 5));
        _exit(127);
    }
    for (int i = 0; i < 500 && !answers(port) && waitpid(pid, NULL, WNOHANG) == 0; i++)
        usleep(10000); /* until it listens, which nothing tells */
    return pid;
}

static void deliver_to_sink(const char *option, const char *method)
{
    unsigned port = server_free_port();
    pid_t pid = start_sink(option, port);
    struct harness harness;
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" delivery_method = %s max_outbound_connections = 4",
                  port, method);
    for (unsigned i = 0; i < MESSAGES; i++)
        harness_send(&harness, "a@example.com", "b@example.net", hello);
    CU_ASSERT_EQUAL(event_wait('D', MESSAGES - 1).size, hello.size);
    CU_ASSERT_EQUAL(event_count('D'), MESSAGES);
    CU_ASSERT_EQUAL(event_count('T') + event_count('P'), 0);
    harness_stop(&harness);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
}

static void test_pipelining(void)
{
    deliver_to_sink("-8", "esmtp");
}

static void test_no_pipelining(void)
{
    deliver_to_sink("-p", "esmtp");
}

static void test_no_extensions(void)
{
    deliver_to_sink("-e", "esmtp");
}

static void test_lmtp(void)
{
    deliver_to_sink("-L", "lmtp");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"with pipelining", test_pipelining},
        {"without pipelining", test_no_pipelining},
        {"without extensions", test_no_extensions},
        {"LMTP", test_lmtp},
        CU_TEST_INFO_NULL,
    };
    return installed() ? unit_run("delivery to smtp-sink", tests) : 77; /* skipped, to automake */
}
