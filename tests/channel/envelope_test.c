/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The envelope: its bytes against docs/wire.md, damaged and hostile messages, aborts that overtake.
 */
#include <pthread.h>

#include "channel/envelope.h"
#include "channel/inbox.h"
#include "channel/memory.h"
#include "channel_conformance.h"

#define LONG_MS 60000

/* ---- Bytes ---- */

static struct whist_buffer from_hex(const char *hex)
{
    struct whist_buffer b = {0};
    for (; *hex != '\0'; hex++) {
        unsigned v;
        if (*hex == ' ') {
            continue;
        }
        CHECK(sscanf(hex++, "%2x", &v) == 1);
        uint8_t byte = (uint8_t)v;
        CHECK(whist_buffer_append(&b, &byte, 1) == WHIST_OK);
    }
    return b;
}

static const struct vector {
    const char *hex, *body, *phase;
    envelope_type type;
    uint64_t sequence;
} vectors[] = {
    {"6869 68656c6c6f 0100000000000000 05 01 01", "hi", "hello", ENVELOPE_DATA, 1},
    {"78 0201000000000000 01 01 01", "", "x", ENVELOPE_DATA, 258},
    {"0d 626164204d4143 616e64 0000000000000000 03 02 01",
     "\x0d"
     "bad MAC",
     "and", ENVELOPE_ABORT, 0},
    {"0300000000000000 00 03 01", "", "", ENVELOPE_BYE, 3},
};

/* The examples of docs/wire.md, both ways. */
static void examples(void)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct vector *v = &vectors[i];
        struct whist_buffer want = from_hex(v->hex), msg = {0};
        struct envelope_info info;
        CHECK(whist_buffer_append(&msg, v->body, strlen(v->body)) == WHIST_OK);
        CHECK(whist_envelope_seal(&msg, v->type, v->sequence, v->phase) == WHIST_OK);
        CHECK(msg.len == want.len && memcmp(msg.data, want.data, msg.len) == 0);
        CHECK(whist_envelope_parse(&info, whist_buffer_view(&want)) == ENVELOPE_FINE);
        CHECK(info.type == v->type && info.sequence == v->sequence);
        CHECK(strcmp(info.phase, v->phase) == 0 && info.body_len == strlen(v->body));
        whist_buffer_clear(&msg);
        whist_buffer_clear(&want);
    }
}

/* The document shows exactly these bytes. */
static void document(void)
{
    FILE *f = fopen(WHIST_SOURCE_DIR "/docs/wire.md", "r");
    char line[512];
    unsigned found = 0;
    CHECK(f != NULL);
    while (fgets(line, sizeof line, f) != NULL) {
        for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
            found |= strstr(line, vectors[i].hex) != NULL ? 1u << i : 0;
        }
    }
    fclose(f);
    CHECK(found == (1u << sizeof vectors / sizeof vectors[0]) - 1);
}

static envelope_flaw parse_hex(const char *hex)
{
    struct whist_buffer b = from_hex(hex);
    struct envelope_info info;
    /* A copy of exactly this size, so that a sanitizer sees what is read outside. */
    uint8_t *exact = malloc(b.len);
    CHECK(exact != NULL || b.len == 0);
    if (b.len != 0) {
        memcpy(exact, b.data, b.len);
    }
    envelope_flaw flaw = whist_envelope_parse(&info, whist_bytes(exact, b.len));
    free(exact);
    whist_buffer_clear(&b);
    return flaw;
}

static void malformed(void)
{
    CHECK(parse_hex("") == ENVELOPE_SHORT);
    CHECK(parse_hex("01") == ENVELOPE_SHORT);
    CHECK(parse_hex("00000000000000 00 01 01") == ENVELOPE_SHORT);   /* one byte less */
    CHECK(parse_hex("0000000000000000 01 01 01") == ENVELOPE_SHORT); /* its label is missing */
    CHECK(parse_hex("0000000000000000 ff 01 01") == ENVELOPE_BAD);   /* a long label */
    CHECK(parse_hex("0000000000000000 00 01 00") == ENVELOPE_FOREIGN);
    CHECK(parse_hex("0000000000000000 00 01 02") == ENVELOPE_FOREIGN);
    CHECK(parse_hex("0000000000000000 00 00 01") == ENVELOPE_BAD); /* types */
    CHECK(parse_hex("0000000000000000 00 04 01") == ENVELOPE_BAD);
    CHECK(parse_hex("1f 0000000000000000 01 01 01") == ENVELOPE_BAD); /* labels */
    CHECK(parse_hex("7f 0000000000000000 01 01 01") == ENVELOPE_BAD);
    CHECK(parse_hex("00 0000000000000000 01 01 01") == ENVELOPE_BAD);
    CHECK(parse_hex("20 0000000000000000 01 01 01") == ENVELOPE_FINE);
    CHECK(parse_hex("55 0000000000000000 00 03 01") == ENVELOPE_BAD); /* a BYE with a body */
    CHECK(parse_hex("0000000000000000 00 02 01") == ENVELOPE_BAD);    /* an ABORT without status */
    CHECK(parse_hex("55 0000000000000000 00 02 01") == ENVELOPE_FINE);
}

static void limits_of_fields(void)
{
    struct envelope_info info;
    struct whist_buffer msg = {0};
    char label[WHIST_MAX_PHASE + 1] = {0};
    memset(label, 'p', WHIST_MAX_PHASE);
    CHECK(whist_envelope_seal(&msg, ENVELOPE_DATA, UINT64_MAX, label) == WHIST_OK);
    CHECK(msg.len == ENVELOPE_MAX);
    CHECK(whist_envelope_parse(&info, whist_buffer_view(&msg)) == ENVELOPE_FINE);
    CHECK(info.sequence == UINT64_MAX && strcmp(info.phase, label) == 0 && info.body_len == 0);
    msg.data[msg.len - 3]++;
    CHECK(whist_envelope_parse(&info, whist_buffer_view(&msg)) == ENVELOPE_BAD);
    whist_buffer_clear(&msg);
    for (size_t text = ENVELOPE_TEXT; text <= ENVELOPE_TEXT + 1; text++) {
        CHECK(whist_buffer_resize(&msg, 1 + text) == WHIST_OK);
        memset(msg.data, 'x', msg.len);
        CHECK(whist_envelope_seal(&msg, ENVELOPE_ABORT, 0, "") == WHIST_OK);
        CHECK(whist_envelope_parse(&info, whist_buffer_view(&msg)) ==
              (text == ENVELOPE_TEXT ? ENVELOPE_FINE : ENVELOPE_BAD));
        whist_buffer_clear(&msg);
    }
}

/* ---- Two parties: a raw one (0), which may send anything, and one with an envelope (1) ---- */

static void make_raw_pair(struct whist_channel *ch[2])
{
    struct whist_error err = {0};
    CHECK_OK(whist_memory_new(ch, 2, MEMORY_QUEUE_BYTES, true, LONG_MS, &err), err);
    CHECK_OK(whist_channel_envelope_new(&ch[1], ch[1], &err), err);
    CHECK(ch[1]->framed && ch[1]->max_message == WHIST_MAX_MESSAGE - ENVELOPE_MAX);
}

static void send_raw(struct whist_channel *ch, size_t to, const char *hex)
{
    struct whist_buffer msg = from_hex(hex);
    struct whist_error err = {0};
    CHECK_OK(whist_channel_send_owned(ch, to, &msg, "raw", 0, &err), err);
}

static whist_status receive(struct whist_channel *ch, const char *phase, struct whist_error *err)
{
    struct whist_buffer msg = {0};
    whist_status st = whist_channel_recv(ch, 0, &msg, phase, 0, err);
    whist_buffer_clear(&msg);
    return st;
}

/* Receiving `hex` is a protocol error whose text has these two parts. */
static void expect_protocol_error(const char *hex, const char *one, const char *two)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    make_raw_pair(ch);
    send_raw(ch[0], 1, "61 0000000000000000 01 01 01"); /* message 0, phase "a" */
    send_raw(ch[0], 1, hex);
    CHECK_OK(receive(ch[1], "a", &err), err);
    whist_status st = receive(ch[1], "here", &err);
    CHECK_MSG(st == WHIST_ERR_PROTOCOL, "%s: %s: %s", hex, whist_status_name(st), err.text);
    CHECK(err.peer == 0 && strcmp(err.phase, "here") == 0);
    CHECK_MSG(strstr(err.text, one) != NULL && strstr(err.text, two) != NULL, "%s", err.text);
    free_channels(ch, 2);
}

static void protocol_errors(void)
{
    /* Phase, then sequence: lost, repeated. */
    expect_protocol_error("7468657265 0100000000000000 05 01 01", "\"there\"", "\"here\"");
    expect_protocol_error("68657265 0300000000000000 04 01 01", "message 3", "message 1");
    expect_protocol_error("68657265 0300000000000000 04 01 01", "lost", "start again");
    expect_protocol_error("61 0000000000000000 01 01 01", "repeated", "\"a\"");
    expect_protocol_error("0200000000000000 00 03 01", "message 2", "lost"); /* BYE */
    expect_protocol_error("", "0 bytes", "too short");
    expect_protocol_error("48656c6c6f", "5 bytes", "too short");
    expect_protocol_error("48656c6c6f20776f726c6421", "version 33", "version 1");
    expect_protocol_error("68657265 0100000000000000 04 07 01", "malformed", "envelope");
}

static void bye_closes(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    make_raw_pair(ch);
    send_raw(ch[0], 1, "61 0000000000000000 01 01 01");
    send_raw(ch[0], 1, "0100000000000000 00 03 01");
    send_raw(ch[0], 1, "61 0100000000000000 01 01 01"); /* after the goodbye: nobody listens */
    CHECK_OK(receive(ch[1], "a", &err), err);
    CHECK(receive(ch[1], "a", &err) == WHIST_ERR_CLOSED && err.peer == 0);
    CHECK(receive(ch[1], "a", &err) == WHIST_ERR_CLOSED);
    free_channels(ch, 2);
}

static void *close_it(void *arg)
{
    struct whist_error err = {0};
    CHECK_OK(whist_channel_close(arg, INT64_MAX, &err), err);
    return NULL;
}

/* A party that closes waits for the goodbyes of the others, and sends nothing after its own. */
static void close_waits_for_byes(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    struct whist_buffer msg = {0};
    pthread_t closer;
    make_raw_pair(ch);
    CHECK(pthread_create(&closer, NULL, close_it, ch[1]) == 0);
    CHECK_OK(whist_channel_recv(ch[0], 1, &msg, "raw", 0, &err), err);
    struct whist_buffer bye = from_hex("0000000000000000 00 03 01");
    CHECK(msg.len == bye.len && memcmp(msg.data, bye.data, bye.len) == 0);
    CHECK(whist_channel_send(ch[1], 0, whist_bytes("x", 1), "x", 0, &err) == WHIST_ERR_CLOSED);
    CHECK(whist_channel_recv(ch[1], 0, &msg, "x", 0, &err) == WHIST_ERR_CLOSED);
    whist_status st = whist_channel_send_owned(ch[0], 1, &bye, "raw", 0, &err);
    CHECK(st == WHIST_OK || st == WHIST_ERR_CLOSED); /* if all this took longer than it waits */
    pthread_join(closer, NULL);
    free_channels(ch, 2);
    /* A silent peer is waited for until the deadline, and is no error. */
    make_raw_pair(ch);
    int64_t deadline = whist_clock_ms() + 30;
    CHECK_OK(whist_channel_close(ch[1], deadline, &err), err);
    CHECK(whist_clock_ms() >= deadline);
    free_channels(ch, 2);
    /* A peer that has aborted is not waited for. */
    make_raw_pair(ch);
    send_raw(ch[0], 1, "0d 0000000000000000 00 02 01");
    CHECK(whist_channel_close(ch[1], INT64_MAX, &err) == WHIST_ERR_ABORTED && err.peer == 0);
    free_channels(ch, 2);
}

/* Every one-byte change and every cut of a good message: delivered as an error, or as a message
 * whose body alone differs. */
static void damaged_messages(void)
{
    struct whist_buffer good = from_hex("6869 68657265 0000000000000000 04 01 01");
    struct whist_error err = {0};
    for (size_t i = 0; i < good.len * 256; i++) {
        struct whist_channel *ch[2];
        struct whist_buffer msg = {0};
        make_raw_pair(ch);
        size_t at = i / 256, len = i % 256 == 0 ? at : good.len;
        CHECK(whist_buffer_append(&msg, good.data, len) == WHIST_OK);
        if (i % 256 != 0) {
            msg.data[at] ^= (uint8_t)(i % 256);
        }
        CHECK_OK(whist_channel_send_owned(ch[0], 1, &msg, "raw", 0, &err), err);
        whist_status st = whist_channel_recv(ch[1], 0, &msg, "here", 1, &err);
        bool body = i % 256 != 0 && at < 2;
        bool becomes_abort = at == good.len - 2 && i % 256 == (ENVELOPE_DATA ^ ENVELOPE_ABORT);
        CHECK_MSG(st == (body            ? WHIST_OK
                         : becomes_abort ? WHIST_ERR_ABORTED
                                         : WHIST_ERR_PROTOCOL),
                  "change %zu: %s: %s", i, whist_status_name(st), err.text);
        CHECK(msg.len == (body ? 2 : 0));
        whist_buffer_clear(&msg);
        free_channels(ch, 2);
    }
    whist_buffer_clear(&good);
}

static void random_messages(void)
{
    uint64_t x = 88172645463325252u;
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    make_raw_pair(ch);
    for (long i = test_scale(100000); i > 0; i--) {
        struct whist_buffer msg = {0};
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        fill_pattern(&msg, (size_t)(x >> 8) % 80, x);
        if (msg.len >= ENVELOPE_FIXED) { /* often good enough to get further */
            msg.data[msg.len - 1] = (uint8_t)(x % 8 != 0);
            msg.data[msg.len - 2] = (x >> 3 & 1) != 0 ? 1 : 3;
            msg.data[msg.len - 3] %= 50;
        }
        CHECK_OK(whist_channel_send_owned(ch[0], 1, &msg, "raw", 0, &err), err);
        whist_status st = whist_channel_recv(ch[1], 0, &msg, "here", 1, &err);
        CHECK(st == WHIST_ERR_PROTOCOL && err.text[0] != '\0');
        whist_buffer_clear(&msg);
    }
    free_channels(ch, 2);
}

/* ---- Aborts ---- */

/* It overtakes what is queued, fails calls to all, and its text is made harmless. */
static void hostile_abort(void)
{
    struct whist_channel *ch[3];
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    CHECK_OK(whist_memory_new(ch, 3, 4096, true, LONG_MS, &err), err);
    CHECK_OK(whist_channel_envelope_new(&ch[1], ch[1], &err), err);
    whist_status st = WHIST_OK;
    while (st == WHIST_OK) { /* the queue is full: an abort needs no room */
        st = whist_channel_send(ch[0], 1, whist_bytes("junk", 4), "raw", 1, &err);
    }
    CHECK(st == WHIST_ERR_WINDOW_FULL);
    send_raw(ch[0], 1, "ff 1b5b336d0a6576696cc3a9 6c6162656c 0500000000000000 05 02 01");
    CHECK(whist_channel_recv(ch[1], 2, &msg, "x", 0, &err) == WHIST_ERR_ABORTED);
    CHECK(err.peer == 0 && strcmp(err.phase, "label") == 0);
    CHECK_MSG(strcmp(err.text, "party 0 aborted (unknown): ?[3m?evil??") == 0, "%s", err.text);
    CHECK(whist_channel_send(ch[1], 2, whist_bytes("x", 1), "x", 0, &err) == WHIST_ERR_ABORTED);
    CHECK(whist_channel_close(ch[1], 0, &err) == WHIST_ERR_ABORTED);
    free_channels(ch, 3);
}

/* An abort that came before the envelope was put on is found. */
static void early_abort(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    CHECK_OK(whist_memory_new(ch, 2, MEMORY_QUEUE_BYTES, true, LONG_MS, &err), err);
    send_raw(ch[0], 1, "61 0000000000000000 01 01 01");
    send_raw(ch[0], 1, "0d 0100000000000000 00 02 01");
    CHECK_OK(whist_channel_envelope_new(&ch[1], ch[1], &err), err);
    CHECK(receive(ch[1], "a", &err) == WHIST_ERR_ABORTED);
    CHECK(strstr(err.text, "check") != NULL && strcmp(err.phase, "a") == 0);
    free_channels(ch, 2);
}

/* What the sender's side puts on the wire, ahead of all else. */
static void abort_on_the_wire(void)
{
    struct whist_channel *ch[2];
    struct whist_buffer msg = {0}, want = from_hex("0d 626164204d4143 3f616e64 0000000000000000"
                                                   "04 02 01");
    struct whist_error err = {0}, why = {.status = WHIST_ERR_CHECK, .text = "bad MAC"};
    snprintf(why.phase, sizeof why.phase,
             "\n"
             "and");
    make_raw_pair(ch);
    whist_channel_abort(ch[1], &why);
    CHECK_OK(whist_channel_recv(ch[0], 1, &msg, "raw", 0, &err), err);
    CHECK(msg.len == want.len && memcmp(msg.data, want.data, want.len) == 0);
    free_channels(ch, 2);
    /* The longest text and label fit. */
    make_raw_pair(ch);
    memset(why.text, 't', sizeof why.text - 1);
    memset(why.phase, 'p', sizeof why.phase - 1);
    whist_channel_abort(ch[1], &why);
    CHECK_OK(whist_channel_recv(ch[0], 1, &msg, "raw", 0, &err), err);
    CHECK(msg.len == 1 + ENVELOPE_TEXT + ENVELOPE_MAX);
    struct envelope_info info;
    CHECK(whist_envelope_parse(&info, whist_buffer_view(&msg)) == ENVELOPE_FINE);
    whist_buffer_clear(&msg);
    whist_buffer_clear(&want);
    free_channels(ch, 2);
}

/* ---- Faults of the transport below ---- */

static struct whist_channel *enveloped(struct whist_channel *inner)
{
    struct whist_channel *ch = NULL;
    struct whist_error err = {0};
    CHECK_OK(whist_channel_envelope_new(&ch, inner, &err), err);
    return ch;
}

/* Sends ten messages through a fault at message 4; how many arrive before the error, and which. */
static whist_status with_fault(whist_fault fault, size_t *arrived_out)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    struct whist_fault_plan plan = {fault, 4, 7};
    CHECK_OK(whist_memory_new(ch, 2, MEMORY_QUEUE_BYTES, true, LONG_MS, &err), err);
    CHECK_OK(whist_channel_faulty_new(&ch[0], ch[0], &plan, &err), err);
    ch[0] = enveloped(ch[0]);
    ch[1] = enveloped(ch[1]);
    for (int i = 0; i < 10; i++) {
        whist_status st = whist_channel_send(ch[0], 1, whist_bytes("body", 4), "p", 0, &err);
        CHECK(st == WHIST_OK || (fault == WHIST_FAULT_CUT && i >= 4 && st == WHIST_ERR_CLOSED));
    }
    *arrived_out = 0;
    whist_status st = receive(ch[1], "p", &err);
    for (; st == WHIST_OK && *arrived_out < 9; (*arrived_out)++) {
        st = receive(ch[1], "p", &err);
    }
    free_channels(ch, 2);
    return st;
}

static void faults_below(void)
{
    size_t arrived;
    CHECK(with_fault(WHIST_FAULT_NONE, &arrived) == WHIST_OK && arrived == 9);
    CHECK(with_fault(WHIST_FAULT_DROP, &arrived) == WHIST_ERR_PROTOCOL && arrived == 4);
    CHECK(with_fault(WHIST_FAULT_TRUNCATE, &arrived) == WHIST_ERR_PROTOCOL && arrived == 4);
    CHECK(with_fault(WHIST_FAULT_EXTEND, &arrived) == WHIST_ERR_PROTOCOL && arrived == 4);
    CHECK(with_fault(WHIST_FAULT_REPEAT, &arrived) == WHIST_ERR_PROTOCOL && arrived == 5);
    CHECK(with_fault(WHIST_FAULT_ZERO, &arrived) == WHIST_ERR_PROTOCOL && arrived == 4);
    CHECK(with_fault(WHIST_FAULT_RANDOM, &arrived) == WHIST_ERR_PROTOCOL && arrived == 4);
    CHECK(with_fault(WHIST_FAULT_DELAY, &arrived) == WHIST_ERR_PROTOCOL && arrived == 4);
    CHECK(with_fault(WHIST_FAULT_CUT, &arrived) == WHIST_ERR_CLOSED && arrived == 4);
}

/* A send that timed out has used no sequence number. */
static void refused_send_leaves_no_gap(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    uint8_t body[1000] = {0};
    size_t sent = 0;
    CHECK_OK(whist_memory_new(ch, 2, 4096, true, LONG_MS, &err), err);
    ch[0] = enveloped(ch[0]);
    ch[1] = enveloped(ch[1]);
    for (int round = 0; round < 5; round++) {
        while (whist_channel_send(ch[0], 1, whist_bytes(body, sizeof body), "p", 1, &err) ==
               WHIST_OK) {
            sent++;
        }
        CHECK(err.status == WHIST_ERR_WINDOW_FULL);
        CHECK_OK(receive(ch[1], "p", &err), err);
        sent--;
    }
    for (; sent > 0; sent--) {
        CHECK_OK(receive(ch[1], "p", &err), err);
    }
    free_channels(ch, 2);
}

/* The body keeps its place in memory, so large arrays are not copied. */
static void body_stays(void)
{
    struct whist_channel *ch[2];
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    CHECK_OK(whist_memory_new(ch, 2, MEMORY_QUEUE_BYTES, true, LONG_MS, &err), err);
    ch[0] = enveloped(ch[0]);
    ch[1] = enveloped(ch[1]);
    CHECK(whist_buffer_reserve(&msg, 1000 + ENVELOPE_MAX) == WHIST_OK);
    fill_pattern(&msg, 1000, 3);
    const uint8_t *place = msg.data;
    CHECK_OK(whist_channel_send_owned(ch[0], 1, &msg, "p", 0, &err), err);
    CHECK_OK(whist_channel_recv(ch[1], 0, &msg, "p", 0, &err), err);
    CHECK(msg.data == place && has_pattern(&msg, 1000, 3));
    whist_buffer_clear(&msg);
    free_channels(ch, 2);
}

static void wrong_transports(void)
{
    struct whist_channel *ch[1], *none = NULL;
    struct whist_error err = {0};
    CHECK_OK(whist_channel_memory_new(ch, 1, LONG_MS, &err), err);
    CHECK(whist_channel_envelope_new(&none, ch[0], &err) == WHIST_ERR_ARGUMENT);
    CHECK(none == NULL && strstr(err.text, "memory") != NULL);
}

static const struct test_case cases[] = {
    {"examples", examples},
    {"document", document},
    {"malformed", malformed},
    {"limits_of_fields", limits_of_fields},
    {"protocol_errors", protocol_errors},
    {"bye_closes", bye_closes},
    {"close_waits_for_byes", close_waits_for_byes},
    {"damaged_messages", damaged_messages},
    {"random_messages", random_messages},
    {"hostile_abort", hostile_abort},
    {"early_abort", early_abort},
    {"abort_on_the_wire", abort_on_the_wire},
    {"faults_below", faults_below},
    {"refused_send_leaves_no_gap", refused_send_leaves_no_gap},
    {"body_stays", body_stays},
    {"wrong_transports", wrong_transports},
};
TEST_MAIN(cases)
