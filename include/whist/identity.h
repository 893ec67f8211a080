/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/** @file
 * Who a party is: keys, certificates, pins, cards and session files (docs/session.md).
 *
 * Each party makes a key with a self-signed certificate (whist_identity_generate) and gives the
 * others its card: name, URL and how it proves itself. The cards of all parties, in order, make a
 * session file that all parties have. Mutual TLS then binds a party's index to its key.
 *
 * Text that these functions read (cards, session files, PEM) comes from other people: it is checked
 * strictly and never crashes anything. In all calls err may be NULL; it is filled on failure only.
 * Everything but the functions that free is safe to use from several threads at once.
 */
#ifndef WHIST_IDENTITY_H
#define WHIST_IDENTITY_H

#include <stdbool.h>
#include <whist/bytes.h>
#include <whist/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest name of a party, in bytes: 1 … 64 of a-z, 0-9, '-', '_' and '.', not first '-' or '.'.
 */
#define WHIST_NAME_MAX 64

/** Room for a pin as text: "sha256:", 64 lower-case hexadecimal digits, NUL. */
#define WHIST_PIN_TEXT 72

/** Longest card or session file that is read, in bytes. */
#define WHIST_SESSION_FILE_MAX ((size_t)1048576)

/** Bytes of a session id, and of a configuration hash. */
#define WHIST_SESSION_ID_LEN   16
#define WHIST_SESSION_HASH_LEN 32 /**< see whist_session_file_hash */

/* ---- Identity: own key and certificate ---- */

/** A private key with its certificate (and, with a CA, the certificates between). The key is wiped
 * when it is freed and appears in no log or error. */
struct whist_identity;

/** What whist_identity_generate makes; zero values mean the defaults. */
struct whist_identity_options {
    const char *name;     /**< of the party, required; becomes common name and SAN (dNSName) */
    uint32_t days;        /**< validity in days, at most 36,500; 0: 3,650 */
    int64_t not_before_s; /**< begin of validity, seconds since 1970; 0: an hour ago */
};

/**
 * Makes a P-256 key and a self-signed X.509 v3 certificate for it, usable by TLS clients and
 * servers. (P-256, because every TLS library, browser and hardware module has it.)
 * @retval WHIST_ERR_ARGUMENT name or days out of range
 * @retval WHIST_ERR_NOMEM, WHIST_ERR_IO the cryptographic library failed
 */
WHIST_API WHIST_MUST_CHECK whist_status
whist_identity_generate(struct whist_identity **identity_out,
                        const struct whist_identity_options *options, struct whist_error *err);

/**
 * Loads key and certificate from PEM files. Keys that TLS 1.3 can use are taken: P-256, P-384,
 * P-521, Ed25519, RSA of 2,048 bits and more; not encrypted ones.
 * @param identity_out to be freed with whist_identity_free
 * @param key_file must belong to the user (or root) and be readable by nobody else
 * @param cert_file the certificate, followed by those of the CAs between, if any; NULL: they stand
 *        in key_file
 * @param err may be NULL
 * @retval WHIST_ERR_IO a file cannot be read
 * @retval WHIST_ERR_CHECK others can read the key; the text says which chmod helps
 * @retval WHIST_ERR_FORMAT no such key or certificate in the file, or they do not belong together
 * @retval WHIST_ERR_UNSUPPORTED encrypted key or another kind of key
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_identity_load(struct whist_identity **identity_out,
                                                            const char *key_file,
                                                            const char *cert_file,
                                                            struct whist_error *err);

/**
 * Saves as PEM (PKCS #8 and X.509). Files that exist are never overwritten; if something fails,
 * none is left behind.
 * @param identity borrowed
 * @param key_file made with mode 0600
 * @param cert_file made with mode 0644; NULL: the certificate follows the key in key_file
 * @param err may be NULL
 * @retval WHIST_ERR_IO a file exists or cannot be written
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_identity_save(const struct whist_identity *identity,
                                                            const char *key_file,
                                                            const char *cert_file,
                                                            struct whist_error *err);

/** Wipes and frees. NULL is allowed. Channels and endpoints that were given it keep what they need.
 */
WHIST_API void whist_identity_free(struct whist_identity *identity);

/** The first DNS name of the certificate (what generate was given); "" if it has none. */
WHIST_API const char *whist_identity_name(const struct whist_identity *identity);

/** The pin: SHA-256 of the certificate's SubjectPublicKeyInfo (DER), as text "sha256:…". What
 * `openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | sha256sum` prints. */
WHIST_API void whist_identity_pin(const struct whist_identity *identity,
                                  char pin_out[WHIST_PIN_TEXT]);

/** The certificate as PEM, appended to pem_out. WHIST_ERR_NOMEM leaves it untouched. */
WHIST_API WHIST_MUST_CHECK whist_status
whist_identity_certificate(const struct whist_identity *identity, struct whist_buffer *pem_out);

/** Begin and end of the certificate's validity, in seconds since 1970 (UTC); either may be NULL. */
WHIST_API void whist_identity_validity(const struct whist_identity *identity,
                                       int64_t *not_before_s_out, int64_t *not_after_s_out);

/* ---- Trust: how others prove who they are ---- */

/** How somebody proves an identity by a certificate: either with a pinned key, or with a
 * certificate for a name, issued by a CA. All strings are borrowed. All NULL: none. */
struct whist_proof {
    const char *pin;      /**< "sha256:…"; then ca and tls_name are NULL */
    const char *ca;       /**< PEM of one or more CA certificates; goes with tls_name */
    const char *tls_name; /**< dNSName that the certificate carries; no wildcards, not the CN */
};

/** One party as the others know it. */
struct whist_party_trust {
    const char *name;          /**< for messages; may be NULL */
    struct whist_proof proof;  /**< the party, when it connects, and its server */
    struct whist_proof server; /**< its server, if a proxy with another key answers for it; else all
                                * NULL */
};

/** True for a name as WHIST_NAME_MAX describes it. */
WHIST_API bool whist_name_valid(const char *name);

/* ---- Cards ---- */

/** A party's public card. All strings are borrowed, but those of a card that was parsed belong to
 * it. */
struct whist_card {
    const char *url;                /**< where it is reached */
    struct whist_party_trust trust; /**< name and proof are required */
};

/**
 * Reads a card (JSON, docs/card.schema.json).
 * @param card_out to be freed with whist_card_free
 * @param json the text, at most WHIST_SESSION_FILE_MAX bytes; borrowed during the call
 * @param source where it comes from, for errors ("alice.card"); may be NULL
 * @param err may be NULL
 * @retval WHIST_ERR_FORMAT no JSON, or a field is missing, unknown, twice there, of the wrong type
 *         or has a wrong value; the text names it
 * @retval WHIST_ERR_LIMIT too long
 * @retval WHIST_ERR_UNSUPPORTED another version
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_card_parse(struct whist_card **card_out,
                                                         struct whist_bytes json,
                                                         const char *source,
                                                         struct whist_error *err);

/** Frees a card that was parsed. NULL is allowed. */
WHIST_API void whist_card_free(struct whist_card *card);

/** Appends the card as JSON, with a newline at its end. WHIST_ERR_ARGUMENT: it would not be read
 * again (the text says why); json_out is then untouched. */
WHIST_API WHIST_MUST_CHECK whist_status whist_card_write(struct whist_buffer *json_out,
                                                         const struct whist_card *card,
                                                         struct whist_error *err);

/* ---- Session files ---- */

/** What all parties of a session share about time and sizes; 0: the default of struct
 * whist_http_options. */
struct whist_session_settings {
    uint32_t timeout_ms;         /**< of send and receive */
    uint32_t connect_timeout_ms; /**< how long an absent peer is awaited */
    uint32_t heartbeat_ms;       /**< longest silence of a party */
    uint32_t dead_ms;            /**< after which silence a party is taken for dead */
    uint32_t post_bytes;         /**< longest POST body */
};

/** A session: its id and its parties, in order. What it points to belongs to it. */
struct whist_session_file {
    uint8_t id[WHIST_SESSION_ID_LEN];       /**< random */
    size_t n;                               /**< number of parties, 2 … WHIST_MAX_PARTIES */
    const struct whist_card *parties;       /**< n of them; the index is the party's */
    struct whist_session_settings settings; /**< 0: default */
};

/**
 * Joins cards to a session with a random id.
 * @param session_out to be freed with whist_session_file_free
 * @param cards n pointers, in the order of the parties; copied
 * @param n number of parties, 2 … WHIST_MAX_PARTIES
 * @param settings copied; NULL: defaults
 * @param err may be NULL
 * @retval WHIST_ERR_ARGUMENT a bad card, or two with the same name, URL, pin, or CA and name; err
 *         says which
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_session_file_new(
    struct whist_session_file **session_out, const struct whist_card *const *cards, size_t n,
    const struct whist_session_settings *settings, struct whist_error *err);

/** Reads a session file (JSON, docs/session.schema.json); parameters and errors as with
 * whist_card_parse. */
WHIST_API WHIST_MUST_CHECK whist_status
whist_session_file_parse(struct whist_session_file **session_out, struct whist_bytes json,
                         const char *source, struct whist_error *err);

/** Frees. NULL is allowed. */
WHIST_API void whist_session_file_free(struct whist_session_file *session);

/** Appends the session as JSON, with a newline at its end. WHIST_ERR_NOMEM leaves json_out
 * untouched. */
WHIST_API WHIST_MUST_CHECK whist_status
whist_session_file_write(struct whist_buffer *json_out, const struct whist_session_file *session,
                         struct whist_error *err);

/** Index of the party with this name; session->n if there is none. */
WHIST_API size_t whist_session_file_find(const struct whist_session_file *session,
                                         const char *name);

/**
 * The configuration hash that parties compare in their hellos: over names, proofs and settings, in
 * order (docs/session.md). Not over the id, which is compared by itself, nor over the URLs: by
 * which way a party reaches another is its own matter, whom it reaches is not.
 */
WHIST_API void whist_session_file_hash(const struct whist_session_file *session,
                                       uint8_t hash_out[WHIST_SESSION_HASH_LEN]);

#ifdef __cplusplus
}
#endif
#endif
