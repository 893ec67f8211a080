/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Two parties talk through byte_stream.hpp, in pieces of all lengths; each checks what it gets.
 *
 *   byte_stream                     both parties here, in memory
 *   byte_stream INDEX URL URL       one of two over HTTP on loopback
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <random>
#include <thread>
#include <whist/http.h>

#include "byte_stream.hpp"

using whist_example::ByteStream;
using whist_example::Error;

namespace
{

struct ChannelFree {
    void operator()(whist_channel *channel) const
    {
        whist_channel_free(channel);
    }
};
using Channel = std::unique_ptr<whist_channel, ChannelFree>;

constexpr int rounds = 200;

/* The bytes that a party sends: the n-th is a function of n. */
std::uint8_t byte_at(std::size_t party, std::uint64_t n)
{
    return static_cast<std::uint8_t>((n * 2654435761U + party) >> 7);
}

std::size_t random_length(std::mt19937 &random)
{
    static const std::size_t limits[] = {1, 3, 100, 5000, 70000, 3000000};

    const std::size_t limit = limits[random() % 6]; /* one draw after the other */
    const std::size_t least = random() % 16 == 0 ? 0 : 1;

    return random() % limit + least;
}

void send_pieces(ByteStream &stream, std::size_t me, std::size_t total, std::mt19937 &random)
{
    std::vector<std::uint8_t> bytes(total);

    for (std::size_t i = 0; i < total; i++) {
        bytes[i] = byte_at(me, stream.sent() + i);
    }
    for (std::size_t at = 0; at < total;) {
        const std::size_t part = std::min(total - at, random_length(random));
        stream.send(bytes.data() + at, part);
        at += part;
    }
}

void recv_pieces(ByteStream &stream, std::size_t peer, std::size_t total, std::mt19937 &random)
{
    std::vector<std::uint8_t> bytes(total);
    const std::uint64_t first = stream.received();

    for (std::size_t at = 0; at < total;) {
        const std::size_t part = std::min(total - at, random_length(random));
        stream.recv(bytes.data() + at, part);
        at += part;
    }
    for (std::size_t i = 0; i < total; i++) {
        if (bytes[i] != byte_at(peer, first + i)) {
            throw std::runtime_error("a byte differs");
        }
    }
}

/* Both parties draw the same lengths; how they cut them is their own. In some rounds both send
 * first. */
void talk(whist_channel *channel)
{
    const std::size_t me = whist_channel_me(channel), peer = 1 - me;
    std::mt19937 common(1), own(static_cast<unsigned>(me + 2));
    ByteStream stream(channel, peer);

    for (int i = 0; i < rounds; i++) {
        const std::size_t lengths[2] = {random_length(common), random_length(common)};
        const bool first = me == common() % 2, both = common() % 2 == 0;
        if (first || both) {
            send_pieces(stream, me, lengths[me], own);
        }
        recv_pieces(stream, peer, lengths[peer], own);
        if (!first && !both) {
            send_pieces(stream, me, lengths[me], own);
        }
    }
    stream.send_value(stream.received());
    if (stream.recv_value<std::uint64_t>() != stream.sent() - sizeof(std::uint64_t)) {
        throw std::runtime_error("the counts differ");
    }
    stream.flush();
    whist_error err;
    if (whist_channel_close(channel, WHIST_DEADLINE_DEFAULT, &err) != WHIST_OK) {
        throw Error(err);
    }
    std::printf("party %zu: %llu bytes sent, %llu received, all as they should be\n", me,
                static_cast<unsigned long long>(stream.sent()),
                static_cast<unsigned long long>(stream.received()));
}

/* What became of a party, for people; 0 or 1. */
int run(whist_channel *channel)
{
    try {
        talk(channel);
        return 0;
    } catch (const std::exception &why) {
        std::fprintf(stderr, "party %zu: %s\n", whist_channel_me(channel), why.what());
        return 1;
    }
}

int in_memory()
{
    whist_channel *both[2];
    whist_error err;
    int other = 1;

    if (whist_channel_memory_new(both, 2, 60000, &err) != WHIST_OK) {
        std::fprintf(stderr, "byte_stream: %s\n", err.text);
        return 1;
    }
    const Channel zero(both[0]), one(both[1]);
    std::thread thread([&] { other = run(one.get()); });
    const int mine = run(zero.get());
    thread.join();
    return mine + other;
}

int over_http(std::size_t me, const char *const *urls)
{
    whist_http_options options{};
    whist_channel *channel;
    whist_error err;

    options.n = 2;
    options.me = me;
    options.urls = urls;
    if (whist_channel_http_new(&channel, &options, &err) != WHIST_OK) {
        std::fprintf(stderr, "byte_stream: %s\n", err.text);
        return 1;
    }
    const Channel owner(channel);
    return run(channel);
}

} // namespace

int main(int argc, char **argv)
{
    if (argc == 1) {
        return in_memory();
    }
    if (argc == 4 && (argv[1][0] == '0' || argv[1][0] == '1') && argv[1][1] == '\0') {
        return over_http(argv[1][0] == '1' ? 1 : 0, argv + 2);
    }
    std::fprintf(stderr, "usage: byte_stream [INDEX URL URL]\n");
    return 2;
}
