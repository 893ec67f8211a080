/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/** @file
 * The HTTP transport: a channel between machines (docs/wire.md).
 *
 * Native mode, the default: POSTs of at most 1 MiB that are answered at once, several in flight,
 * each message exactly once and in order, phases and aborts carried, a silent peer noticed; over
 * mutual TLS 1.3 if the party has an identity. Legacy mode: the wire of the engine from which this
 * project started, in clear, one message a POST; with whist_channel_envelope_new above it for
 * phases and aborts.
 *
 * In all calls err may be NULL; it is filled on failure only.
 */
#ifndef WHIST_HTTP_H
#define WHIST_HTTP_H

#include <whist/channel.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a session id. */
#define WHIST_HTTP_SESSION_LEN 16
/** Bytes of a configuration hash. */
#define WHIST_HTTP_CONFIG_LEN 32

struct whist_endpoint;
struct whist_identity;    /* whist/identity.h */
struct whist_party_trust; /* whist/identity.h */

/* ---- Endpoint: a server for any number of channels ---- */

/** Options of an endpoint; zero values mean the defaults. Strings are borrowed during the call. */
struct whist_endpoint_options {
    const char *listen; /**< required: "ADDR:PORT" (port 0: any free one), "[::]:PORT", or
                           "unix:/path" (a socket file of mode 0600 that nobody else uses; it is
                           removed at the end) */
    const char *prefix; /**< path in front of /health, /ready and /metrics, besides none: "/a/b" */
    const struct whist_identity *identity; /**< own key and certificate; NULL: plain HTTP */
    const char *const *trusted_proxies;    /**< addresses ("10.0.0.7", "::1", "unix") of proxies
                                              whose proxy_header is believed */
    size_t n_trusted_proxies;              /**< of them */
    const char *proxy_header;              /**< name of the field in which these proxies forward
                                              the client's certificate: URL-escaped PEM (nginx) or
                                              base64 of DER (HAProxy, Caddy) */
    size_t max_connections;                /**< 0: 1,024, or half of what the process may open */
    bool insecure;                         /**< plain HTTP on other addresses than loopback */
    bool open_metrics;                     /**< /ready and /metrics for everybody, not only for
                                              loopback and parties */
    struct whist_log log;                  /**< all-zero: no log */
};

/**
 * A listening server with one I/O thread, on which channels of several sessions can live at the
 * same time. It answers a session that it does not know with 404, one that has ended with 410.
 * @retval WHIST_ERR_ARGUMENT a bad option
 * @retval WHIST_ERR_UNSUPPORTED plain HTTP off loopback without `insecure`
 * @retval WHIST_ERR_IO cannot listen
 */
WHIST_API WHIST_MUST_CHECK whist_status
whist_endpoint_new(struct whist_endpoint **endpoint_out,
                   const struct whist_endpoint_options *options, struct whist_error *err);

/** Ends an endpoint. Its channels have been freed before. NULL is allowed. */
WHIST_API void whist_endpoint_free(struct whist_endpoint *endpoint);

/** Port on which it listens; 0 with a Unix socket. */
WHIST_API uint16_t whist_endpoint_port(const struct whist_endpoint *endpoint);

/* ---- Channel ---- */

/** Options of the HTTP transport; zero values mean the defaults. Pointers are borrowed during the
 * call unless it says otherwise. */
struct whist_http_options {
    size_t n;                   /**< number of parties, 2 … WHIST_MAX_PARTIES */
    size_t me;                  /**< own index */
    const char *const *urls;    /**< n base URLs, "http://host:port/prefix"; "https:" with identity;
                                   native mode also "unix:/path" */
    const char *listen;         /**< "ADDR:PORT" or "unix:/path" (native) to listen on; NULL: from
                                   the own URL. Not used with `endpoint` */
    int64_t timeout_ms;         /**< default timeout of send and receive; 0: 60,000 */
    int64_t connect_timeout_ms; /**< how long to keep trying an absent peer; 0: 60,000 */
    size_t outbox_bytes;  /**< most bytes queued for a peer; 0: 256 MiB. (In native mode a sender
                             that is 8 MiB ahead of a peer that receives is slowed down) */
    size_t inbox_bytes;   /**< most bytes received and not yet taken, per peer (the window of
                             native mode); 0: 64 MiB */
    bool insecure;        /**< allow URLs that are not loopback although the wire is in clear;
                             native mode also wants a token there */
    struct whist_log log; /**< for connections and retries; all-zero: no log */

    bool legacy; /**< legacy mode; nothing below is used then */

    uint8_t session[WHIST_HTTP_SESSION_LEN]; /**< id of the session, the same for all parties */
    uint8_t config[WHIST_HTTP_CONFIG_LEN];   /**< hash of what else the parties must agree on */
    const struct whist_identity *identity;   /**< own key and certificate, for mutual TLS; NULL:
                                                plain HTTP */
    const struct whist_party_trust *trust;   /**< n: how each party proves itself; with identity */
    const char *token;        /**< plain HTTP: secret of the session, 16 … 256 printable bytes
                                 without blanks; NULL: none */
    const char *const *hosts; /**< n values of `host` and TLS server names in place of those of
                                 the URLs, each may be NULL; NULL: none */
    const char *const *trusted_proxies; /**< as in whist_endpoint_options */
    size_t n_trusted_proxies;           /**< of them */
    const char *proxy_header;           /**< as in whist_endpoint_options */
    bool open_metrics;                  /**< as in whist_endpoint_options */
    int64_t heartbeat_ms;               /**< longest silence of this party; 0: 5,000 */
    int64_t dead_ms;       /**< silence of a peer, while something is awaited from it, after which
                              it is taken for dead; 0: two heartbeats */
    int64_t answer_ms;     /**< for the answer to a POST that makes no progress; 0: 4,000 */
    int64_t linger_ms;     /**< how long the end of a channel may wait for the peers; 0: 1,000 */
    int64_t stall_ms;      /**< wait after which a report goes to the log; 0: 30,000 */
    size_t post_bytes;     /**< longest POST, 512 … 4,194,304; 0: 1,048,576 */
    size_t coalesce_bytes; /**< up to which small messages share a POST; 0: 65,536 */
    size_t connections;    /**< to each peer, 1 … 16; 0: 2 */
    size_t pipeline;       /**< POSTs in flight on each of them, 1 … 16; 0: 4 */
    struct whist_endpoint *endpoint; /**< the server to live on, which outlives the channel; NULL:
                                        one of its own. `identity` must be that of the endpoint */
};

/**
 * HTTP transport. The server listens when this returns; peers may come up later.
 * @retval WHIST_ERR_ARGUMENT bad URL, index, number of parties or option; or the endpoint has a
 *         channel of this session and party already
 * @retval WHIST_ERR_UNSUPPORTED a URL off loopback in clear without `insecure` and a token
 * @retval WHIST_ERR_IO cannot listen
 */
WHIST_API WHIST_MUST_CHECK whist_status
whist_channel_http_new(struct whist_channel **channel_out, const struct whist_http_options *options,
                       struct whist_error *err);

/** Port on which an HTTP channel listens (useful with port 0 in `listen`); 0 for other channels. */
WHIST_API uint16_t whist_channel_http_port(const struct whist_channel *ch);

/** Counts of a native HTTP channel for one peer, since its beginning unless it says "now". */
struct whist_http_peer_stats {
    size_t peer;                /**< index of the other party */
    bool connected;             /**< both parties agree on the session, now */
    uint64_t messages_sent;     /**< given to send */
    uint64_t messages_received; /**< complete and in order */
    uint64_t payload_sent;      /**< bytes of these */
    uint64_t payload_received;  /**< bytes of these */
    uint64_t wire_sent;         /**< bytes on the sockets: bodies, HTTP heads, TLS */
    uint64_t wire_received;     /**< bytes on the sockets */
    uint64_t posts_sent;        /**< POSTs, repeats included */
    uint64_t posts_received;    /**< POSTs, repeats included */
    uint64_t posts_repeated;    /**< POSTs sent again */
    uint64_t posts_lost;        /**< POSTs that were not answered */
    uint64_t duplicates;        /**< POSTs received again */
    uint64_t reordered;         /**< POSTs received before an earlier one */
    uint64_t refused;           /**< POSTs answered with another status than 200 */
    uint64_t credit_stalls;     /**< times that messages waited for the peer's credit */
    uint64_t connects;          /**< connections made to the peer */
    size_t connections;         /**< to the peer, now */
    size_t outbox_bytes;        /**< queued or not acknowledged, now */
    size_t inbox_bytes;         /**< received and not taken, now */
    int64_t rtt_us;             /**< smoothed time to an answer, microseconds; 0: not known */
};

/**
 * Reads the counts of a native HTTP channel.
 * @param ch any channel; decorators are not looked through
 * @param rows_out room for max rows, one for each peer; may be NULL if max is 0
 * @param max rows to write at most
 * @return number of rows there are (which may exceed max); 0 if ch is another channel
 */
WHIST_API size_t whist_channel_http_stats(const struct whist_channel *ch,
                                          struct whist_http_peer_stats *rows_out, size_t max);

/* ---- Ping ---- */

/** What whist_http_ping found out about one party. */
struct whist_ping {
    bool up;               /**< the party answered like a party */
    int64_t round_trip_us; /**< of the answer, microseconds */
    char text[400];        /**< what is wrong, or "up" */
};

/**
 * Asks one party once whether it is up: GET {url}/msg/0, where 405 means up.
 * @return WHIST_OK when an attempt was made (see ping_out), WHIST_ERR_ARGUMENT for a bad URL
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_http_ping(const char *url, int64_t deadline_ms,
                                                        struct whist_ping *ping_out,
                                                        struct whist_error *err);

/**
 * Asks a party of a native session once whether it is up, on the way by which a channel with these
 * options would reach it. Over TLS, both prove who they are: the party takes it only while it runs
 * with the same session.
 * @param options n, urls and, for https, identity and trust count; borrowed during the call
 * @param party index of the party that is asked
 * @param deadline_ms absolute, or WHIST_DEADLINE_DEFAULT: in 5 seconds
 * @param ping_out what came of it
 * @param err may be NULL
 * @return WHIST_OK when an attempt was made (see ping_out)
 * @retval WHIST_ERR_ARGUMENT a bad URL, key or proof, or https without them
 * @retval WHIST_ERR_CHECK the own certificate is not valid now
 */
WHIST_API WHIST_MUST_CHECK whist_status
whist_http_ping_party(const struct whist_http_options *options, size_t party, int64_t deadline_ms,
                      struct whist_ping *ping_out, struct whist_error *err);

#ifdef __cplusplus
}
#endif
#endif
