/* Return-Path fields that a message brings along, in parts cut anywhere. */
#include "unit.h"

#include <string.h>
#include "../../modules/maildir/return_path.h"

struct kept {
    char text[400];
    size_t size, refuse; /* the put that is refused, counted down; 0: none */
};

static int keep(void *argument, const char *data, size_t size)
{
    struct kept *kept = argument;
    if (kept->refuse && --kept->refuse == 0)
        return -7;
    memcpy(kept->text + kept->size, data, size);
    kept->size += size;
    return 0;
}

static const struct {
    const char *message, *kept;
} cases[] = {
    {"", ""},
    {"\r\n", "\r\n"},
    {"Subject: x\r\n\r\ntext\r\n", "Subject: x\r\n\r\ntext\r\n"},
    {"Return-Path: <a@b>\r\nSubject: x\r\n\r\ntext", "Subject: x\r\n\r\ntext"},
    {"Subject: x\r\nRETURN-path:<a@b>\r\n\r\n", "Subject: x\r\n\r\n"},
    {"Return-Path:\r\n <a@b>\r\n\t(folded)\r\nTo: x\r\n y\r\n\r\n", "To: x\r\n y\r\n\r\n"},
    {"Return-Path: <a>\r\nReturn-Path: <b>\r\nA: 1\r\nReturn-Path: <c>\r\n", "A: 1\r\n"},
    {"Return-Paths: 1\r\nReturn-Pat: 2\r\nX-Return-Path: 3\r\nR\r\n\r\n",
     "Return-Paths: 1\r\nReturn-Pat: 2\r\nX-Return-Path: 3\r\nR\r\n\r\n"},
    {"A: 1\r\n\r\nReturn-Path: <text>\r\n", "A: 1\r\n\r\nReturn-Path: <text>\r\n"},
    {" Return-Path: <blank>\r\nA: Return-Path: x\r\n", " Return-Path: <blank>\r\nA: Return-Path: x\r\n"},
    {"Return-Path: <a>\r\n\r\ntext", "\r\ntext"},
    {"Return-Pa", "Return-Pa"},
    {"Return-Path: <a>\nA: 1\n\nReturn-Path: <text>\n", "A: 1\n\nReturn-Path: <text>\n"},
};

static void test_every_cut(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = strlen(cases[i].message);
        for (size_t cut = 0; cut <= size; cut++) {
            struct return_path_filter filter = {.held = 0};
            struct kept kept = {.size = 0};
            CU_ASSERT_EQUAL(return_path_filter(&filter, cases[i].message, cut, keep, &kept), 0);
            CU_ASSERT_EQUAL(return_path_filter(&filter, cases[i].message + cut, size - cut, keep, &kept), 0);
            CU_ASSERT_EQUAL(return_path_finish(&filter, keep, &kept), 0);
            CU_ASSERT_EQUAL(kept.size, strlen(cases[i].kept));
            CU_ASSERT_EQUAL(memcmp(kept.text, cases[i].kept, kept.size), 0);
        }
    }
}

/* What the one who takes the parts says is handed on, and ends the work. */
static void test_refusal(void)
{
    static const char message[] = "A: 1\r\nRet: 2\r\n\r\ntext";
    for (size_t refuse = 1; refuse < 10; refuse++) {
        struct return_path_filter filter = {.held = 0};
        struct kept kept = {.refuse = refuse};
        CU_ASSERT_EQUAL(return_path_filter(&filter, message, strlen(message), keep, &kept), -7);
        CU_ASSERT(kept.size < strlen(message));
        CU_ASSERT_EQUAL(memcmp(kept.text, message, kept.size), 0);
    }
    struct return_path_filter filter = {.held = 0};
    struct kept kept = {.refuse = 1};
    CU_ASSERT_EQUAL(return_path_filter(&filter, "Ret", 3, keep, &kept), 0);
    CU_ASSERT_EQUAL(return_path_finish(&filter, keep, &kept), -7);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"every cut", test_every_cut},
        {"refusal", test_refusal},
        CU_TEST_INFO_NULL,
    };
    return unit_run("maildir return path", tests);
}
