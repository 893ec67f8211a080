/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A stream of bytes between two parties on a Whist channel, as protocols in C++ that were written
 * for a socket expect it: send and recv of exact counts, without messages.
 *
 * What is sent is collected and goes out when the buffer is full, at flush(), and before recv()
 * waits, so that two parties never wait for bytes that the other one still holds. Long pieces go
 * past the buffer. One object serves one peer and is used by one thread at a time; objects for
 * several peers may share a channel. Errors are exceptions of type whist_example::Error. */
#ifndef WHIST_EXAMPLE_BYTE_STREAM_HPP
#define WHIST_EXAMPLE_BYTE_STREAM_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <vector>
#include <whist/channel.h>

namespace whist_example
{

class Error : public std::runtime_error
{
  public:
    explicit Error(const whist_error &why) : std::runtime_error(why.text), error(why)
    {
    }
    const whist_error error; /* status, party and phase */
};

class ByteStream
{
  public:
    /* The channel is borrowed. phase must live as long as the channel; timeout_ms bounds each wait;
     * 0: as the channel has it. */
    ByteStream(whist_channel *channel, std::size_t peer, const char *phase = "stream",
               std::int64_t timeout_ms = 0)
        : channel_(channel), peer_(peer), phase_(phase), timeout_ms_(timeout_ms)
    {
        out_.reserve(buffer_size);
    }
    ByteStream(const ByteStream &) = delete;
    ByteStream &operator=(const ByteStream &) = delete;
    /* Does not flush: a destructor cannot tell that it failed. */
    ~ByteStream()
    {
        whist_buffer_clear(&in_);
    }

    void send(const void *data, std::size_t len)
    {
        const std::uint8_t *from = static_cast<const std::uint8_t *>(data);

        sent_ += len;
        if (out_.size() + len > buffer_size) {
            flush();
        }
        while (len > buffer_size) {
            const std::size_t part = std::min(len, message_size);
            send_message(from, part);
            from += part;
            len -= part;
        }
        out_.insert(out_.end(), from, from + len);
    }

    void recv(void *data, std::size_t len)
    {
        std::uint8_t *to = static_cast<std::uint8_t *>(data);

        received_ += len;
        while (len > 0) {
            if (in_at_ == in_.len) {
                flush();
                recv_message();
            }
            const std::size_t part = std::min(len, in_.len - in_at_);
            std::memcpy(to, in_.data + in_at_, part);
            in_at_ += part;
            to += part;
            len -= part;
        }
    }

    void flush()
    {
        if (!out_.empty()) {
            send_message(out_.data(), out_.size());
            out_.clear();
        }
    }

    /* Values as they stand in memory: both parties need the same byte order and sizes. */
    template <typename T> void send_value(const T &value)
    {
        static_assert(std::is_trivially_copyable<T>::value, "only plain data can be sent");
        send(&value, sizeof(T));
    }
    template <typename T> T recv_value()
    {
        static_assert(std::is_trivially_copyable<T>::value, "only plain data can be received");
        T value;
        recv(&value, sizeof(T));
        return value;
    }

    std::uint64_t sent() const
    {
        return sent_;
    }
    std::uint64_t received() const
    {
        return received_;
    }

  private:
    static constexpr std::size_t buffer_size = 65536;
    /* What every transport carries, with room for what a decorator adds. */
    static constexpr std::size_t message_size = WHIST_MAX_MESSAGE / 2;

    std::int64_t deadline() const
    {
        return timeout_ms_ == 0 ? WHIST_DEADLINE_DEFAULT : whist_clock_ms() + timeout_ms_;
    }

    void send_message(const std::uint8_t *data, std::size_t len)
    {
        whist_error err;

        if (whist_channel_send(channel_, peer_, whist_bytes(data, len), phase_, deadline(), &err) !=
            WHIST_OK) {
            throw Error(err);
        }
    }

    void recv_message()
    {
        whist_error err;

        if (whist_channel_recv(channel_, peer_, &in_, phase_, deadline(), &err) != WHIST_OK) {
            throw Error(err);
        }
        in_at_ = 0;
    }

    whist_channel *channel_;
    std::size_t peer_;
    const char *phase_;
    std::int64_t timeout_ms_;
    std::vector<std::uint8_t> out_; /* not yet sent */
    whist_buffer in_{};             /* the message that is being read */
    std::size_t in_at_ = 0;
    std::uint64_t sent_ = 0, received_ = 0;
};

} // namespace whist_example

#endif
