/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A raw socket that plays a party of the native mode, byte for byte. Party 1 of 2; the real one is
 * party 0. */
#ifndef WHIST_TEST_NATIVE_RAW_H
#define WHIST_TEST_NATIVE_RAW_H

#include "channel/frame.h"
#include "channel/native.h"
#include "raw_http.h"

#define RAW_EPOCH   0x1122334455667788u
#define RAW_SESSION "00112233445566778899aabbccddeeff"
#define RAW_PATH    "/s/" RAW_SESSION "/msg/1"

struct raw_party {
    struct whist_channel *ch;    /* the real party */
    uint16_t port;               /* of it */
    int listener;                /* where it looks for this one */
    uint64_t epoch;              /* of the real party, once it is known */
    uint64_t position, messages; /* sent by this one */
    uint64_t received;           /* position of the next frame from the real one */
};

/* An answer or a request as it came. */
struct raw_message {
    char head[4096];
    size_t head_len;
    uint8_t body[4200000];
    size_t len;
};

/* options: without n, me, urls and session; NULL: defaults. own_url: prefix of the real party. */
void raw_party_start(struct raw_party *p, const struct whist_http_options *options,
                     const char *prefix);
void raw_party_stop(struct raw_party *p);

/* Bodies; each returns its length. */
size_t raw_hello(const struct raw_party *p, uint8_t *out);
size_t raw_data(struct raw_party *p, uint8_t *out, const void *payload, size_t len,
                const char *phase);

/* Writes a head and a body; extra: more fields, each with CR LF. */
void raw_post(int fd, const char *path, const char *extra, const void *body, size_t len);
/* The next message on the connection; the caller frees it. */
struct raw_message *raw_message_read(int fd);
/* The status of the next answer, which is read over. */
int raw_status(int fd);
/* The next answer is of this status, and its text/plain body contains this. */
void raw_expect_text(int fd, int status, const char *part);
/* The next answer is one of the machine, of this status; its view is valid until *m is freed. */
struct raw_message *raw_expect_machine(int fd, int status, struct answer_view *view_out);
/* Hellos in both directions: fd is a connection to the real party; returns the one from it. */
int raw_party_contact(struct raw_party *p, int fd);
/* Answers a request of the real party with OK, acknowledging `ack`. */
void raw_answer(int fd, const struct raw_party *p, uint64_t ack, bool hello, const char *extra);

#endif
