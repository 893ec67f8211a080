/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/** @file
 * The protocol engine: n-party computation with security against up to n − 1 malicious parties,
 * with abort (docs/protocol.md).
 *
 * A session belongs to one party and is used by one thread at a time. After fork() at most one of
 * the two processes may go on with it: both would draw the same random numbers. After an error it
 * is dead: its secrets are wiped, the peers have been told, and only whist_session_free is allowed.
 */
#ifndef WHIST_MPC_H
#define WHIST_MPC_H

#include <whist/channel.h>
#include <whist/circuit.h>
#include <whist/log.h>
#include <whist/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct whist_session;

/** Progress of a run: AND gates done of total (0 if not known), in the phase. Called on the thread
 * that runs, a few times a second at most. */
typedef void (*whist_progress)(void *ctx, const char *phase, uint64_t done, uint64_t total);

/** Parameters of a session; zero values mean the defaults. All parties must use the same. */
struct whist_session_options {
    uint32_t rho;            /**< statistical security in bits, 40 … 60; 0: 40 */
    uint32_t cot_k;          /**< SoftSpoken parameter, 2, 4 or 8; 0: 4 */
    uint64_t chunk_ands;     /**< most AND gates of a chunk; 0: the engine chooses */
    int64_t timeout_ms;      /**< for each receive; 0: the channel's */
    struct whist_log log;    /**< all-zero: no log */
    whist_progress progress; /**< may be NULL */
    void *progress_ctx;      /**< handed to progress */
};

/**
 * Opens a session over a channel: exchanges the hello (version, number of parties, parameters). The
 * base OTs follow with the first run, after its parameters have been compared.
 * @param session_out the session, to be freed with whist_session_free
 * @param channel borrowed; must outlive the session. A channel without phases and aborts must be
 * wrapped in whist_channel_envelope_new first (WHIST_ERR_ARGUMENT otherwise).
 * @param options NULL: the defaults; borrowed during the call
 * @param err may be NULL
 * @retval WHIST_ERR_MISMATCH err names the parameter, both values and the peer
 */
WHIST_API WHIST_MUST_CHECK whist_status
whist_session_new(struct whist_session **session_out, struct whist_channel *channel,
                  const struct whist_session_options *options, struct whist_error *err);

/** Wipes and frees. NULL is allowed. */
WHIST_API void whist_session_free(struct whist_session *session);

/** One computation. */
struct whist_run {
    struct whist_gate_source *source; /**< the function; rewound before use; borrowed */
    const uint8_t
        *owners;        /**< owning party of each input group; NULL: group k belongs to k mod n */
    size_t evaluator;   /**< index of the evaluating party */
    uint64_t receivers; /**< bit i: party i learns the outputs; 0: all parties */
    const uint8_t *inputs; /**< own input bits, a byte each (0 or 1), own groups in order */
    size_t n_inputs;       /**< number of own input bits */
};

/**
 * Runs one computation; any number may follow each other on a session.
 * @param session the session
 * @param outputs_out a byte (0 or 1) for each output bit if this party receives, else untouched;
 * may be NULL if it does not receive
 * @param run what to compute; borrowed during the call
 * @param err may be NULL
 * @retval WHIST_ERR_ARGUMENT own parameters are inconsistent; nothing was sent
 * @retval WHIST_ERR_MISMATCH parties disagree; err names the field and the peer
 * @retval WHIST_ERR_CHECK a check failed: somebody cheated or a message was damaged; err has phase,
 * peer
 * @retval WHIST_ERR_ABORTED a peer aborted
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_session_run(struct whist_session *session,
                                                          uint8_t *outputs_out,
                                                          const struct whist_run *run,
                                                          struct whist_error *err);

#ifdef __cplusplus
}
#endif
#endif
