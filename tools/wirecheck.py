#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Checks the native wire (docs/wire.md) with the second implementation of it in wireparty.py.

    wirecheck.py self                 two parties of that, and the document's example
    wirecheck.py list                 names of the cases
    wirecheck.py CASE WHIST [tls]     plays the peer of `WHIST channel send` or `recv` in one case

Exit status 0: everything was as the document says.
"""
import hashlib
import http.client
import os
import secrets
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from wireparty import *  # noqa: F403: the two files are one program

# ---- The wire by itself ----

def free_urls(scheme='http'):
    sockets = [socket.socket() for _ in range(2)]
    for s in sockets:
        s.bind(('127.0.0.1', 0))
    urls = ['%s://127.0.0.1:%d' % (scheme, s.getsockname()[1]) for s in sockets]
    for s in sockets:
        s.close()
    return urls


def pattern(n):
    return (hashlib.sha256(b'%d' % n).digest() * (n // 32 + 1))[:n]


def example():
    """The example of the document, both ways."""
    body = bytes.fromhex(
        '6869 01030100 02000000 78 0103ff00 00000000 1111111111111111 2222222222222222'
        '0000000000000000 0000000000000000 0000000000000000 0000010000000000'
        '02000000 11000000 0100 0200 02 00 000000000000 574853 01')
    p = decode_post(body)
    check([(f.label, f.payload) for f in p.frames] == [('x', b'hi'), ('x', b'')], 'frames')
    check((p.sender, p.receiver, p.credit, p.weight) == (1, 2, 65536, 258), 'tail')
    check(p.encode() == body, 'the same bytes again')
    answer = bytes.fromhex('574853 01 01 00 0000 2222222222222222 1111111111111111'
                           '0201000000000000 0000010000000000')
    a = decode_answer(200, answer)
    check((a.kind, a.ack, a.credit) == (OK, 258, 65536) and a.encode() == answer, 'answer')
    for i in range(len(body) * 8):   # no bit decides between a POST and a crash
        broken = bytearray(body)
        broken[i // 8] ^= 1 << i % 8
        try:
            decode_post(bytes(broken))
        except Malformed:
            pass


MESSAGES = [b'', b'x', pattern(100), pattern(65536), pattern(3000000), b'', pattern(1048576)]


def self_check():
    example()
    session, config, urls = secrets.token_bytes(16), secrets.token_bytes(32), free_urls()
    parties = [Party(i, urls, session, config, window=200000, post_bytes=50000) for i in range(2)]
    lossy = {'left': 40}

    def lose(_):   # every third answer is lost
        lossy['left'] -= 1
        return 'silence' if lossy['left'] > 0 and lossy['left'] % 3 == 0 else None
    parties[1].link.trouble = lambda p: lose(p) and (parties[1].link.receive(p), 'silence')[1]
    for p in parties:
        for m in MESSAGES:
            p.send(m, 'phase')
    for p in parties:
        for m in MESSAGES:
            check(p.recv() == ('phase', m), 'a message differs')
    threads = [threading.Thread(target=p.finish) for p in parties]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(all(p.link.complete() for p in parties), 'the end')


# ---- Cases against whist ----

def make_session(program, folder, urls):
    """Keys, cards and a session: what the party here needs, and the options of whist."""
    file = lambda name: os.path.join(folder, name)
    run = lambda *command: subprocess.run([program, *command], check=True, capture_output=True)
    for name, url in zip(('alice', 'bob'), urls):
        run('keygen', '--name', name, '-o', folder + '/')
        run('party', 'show', '--key', file(name + '.key'), '--url', url, '-o', file(name + '.card'))
    run('session', 'make', file('alice.card'), file('bob.card'), '-o', file('s.json'))
    options = ['--session', file('s.json'), '--me', 'alice', '--key', file('alice.key')]
    return Tls(file('bob.key'), file('bob.crt'), file('alice.crt')), options


class PortTaken(Exception):
    """Somebody else was quicker to take a port that was free."""


class Whist:
    """`whist channel send|recv` as party 0 and a party of this program as its peer, number 1."""

    def __init__(self, program, verb, *args, tls=False, mute=False, **options):
        self.dir = tempfile.TemporaryDirectory()
        self.urls = free_urls('https' if tls else 'http')
        mine, parties = None, ['--party', '0', '--urls', ';'.join(self.urls)]
        if tls:
            mine, parties = make_session(program, self.dir.name, self.urls)
        try:
            self.party = Party(1, self.urls, bytes(16), bytes(32), tls=mine, adopt=True, **options)
        except OSError as e:
            raise PortTaken from e
        if mute:   # it listens and says nothing
            self.party.hold = True
            self.party.link.trouble = lambda p: 'silence'
        peer = ['--to', '1'] if verb == 'send' else ['--from', '1', '--out', self.file('out')]
        command = [program, 'channel', verb, *parties, '--timeout', '20', *peer, *args]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, wrong, _):
        alone = self.process.poll()   # it has ended by itself
        if alone is None:
            self.process.kill()
        self.process.wait()
        said = '' if self.process.stderr.closed else self.process.stderr.read()
        self.process.stderr.close()
        self.dir.cleanup()
        if kind is Wrong and 'in use' in said + str(wrong):
            raise PortTaken from wrong
        if kind is Wrong and said:
            raise Wrong('%s; whist (status %s) says: %s' % (wrong, alone, said)) from wrong

    def file(self, name):
        return os.path.join(self.dir.name, name)

    def received(self):
        return [open(os.path.join(self.file('out'), f), 'rb').read()
                for f in sorted(os.listdir(self.file('out')))]

    def ends(self, status, *words):
        _, err = self.process.communicate(timeout=30)
        check(self.process.returncode == status,
              'exit status %d, not %d: %s' % (self.process.returncode, status, err))
        for word in words:
            check(word in err, '"%s" is not in: %s' % (word, err))

    def contact(self):
        """Until both know each other; then the party of this program says no word by itself."""
        link = self.party.link
        self.party.wait(lambda: link.agreed and link.peer_epoch, 'contact')
        with self.party.changed:
            self.party.hold = True
        self.expect(self.update(), OK)
        return link

    def update(self, **fields):
        with self.party.changed:
            p = self.party.link.post(UPDATE)
        p.__dict__.update(fields)
        return p

    def data(self, *frames, **fields):
        p = self.update(kind=DATA, frames=list(frames))
        p.__dict__.update(fields)
        return p

    def expect(self, post, kind, path=None, **tail):
        status, a = self.party.inject(post, path, **tail)
        check(a is not None, 'status %d and no answer of a party' % status)
        check(a.kind == kind, 'answer %d, not %d: %r' % (a.kind, kind, a.meta))
        return a


def message(data, **fields):
    return Frame(data, 'channel', **fields)


def case_send(whist, tls):
    """Messages from whist: one that is split, with acknowledgements, to the last word."""
    big = pattern(5000000)
    for data in (big, b'', b'short'):
        with tempfile.NamedTemporaryFile() as f:
            f.write(data)
            f.flush()
            with Whist(whist, 'send', f.name, tls=tls) as w:
                check(w.party.recv() == ('channel', data), 'the message differs')
                w.party.finish()
                w.ends(0)
                check(w.party.ends_in_heads == len(data) // POST_USUAL, 'ends in heads')
                for p in w.party.link.heard:
                    most = POST_USUAL + (128 if len(p.encode()) > POST_USUAL else 0)
                    check(len(p.encode()) <= most, 'a POST of more than 1 MiB')


def case_window(whist, tls):
    """A receiver with little room: whist sends nothing at or beyond the credit."""
    data = [pattern(n) for n in (100000, 100001, 100002)]
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, str(i)) for i in range(len(data))]
        for name, text in zip(files, data):
            with open(name, 'wb') as f:
                f.write(text)
        with Whist(whist, 'send', *files, tls=tls, window=1000) as w:
            link = w.party.link
            for i, text in enumerate(data):
                w.party.wait(lambda: link.messages or link.error, 'a message')
                time.sleep(0.2)   # the next one must not come before this one is taken
                posts = {p.position for p in link.heard if p.kind == DATA}
                check(len(posts) == i + 1, '%d POSTs after message %d' % (len(posts), i))
                check(w.party.recv() == ('channel', text), 'a message differs')
            w.party.finish()
            w.ends(0)


def case_lost(whist, tls):
    """Answers are lost: the same frames come again at the same position."""
    with tempfile.NamedTemporaryFile() as f:
        f.write(pattern(3000000))
        f.flush()
        with Whist(whist, 'send', f.name, tls=tls) as w:
            seen, link = {}, w.party.link

            def lose(p):
                again = p.position in seen
                frames = [(x.label, x.payload, x.first, x.last, x.total) for x in p.frames]
                if p.kind != DATA:
                    return None
                check(seen.setdefault(p.position, frames) == frames, 'other frames than before')
                if again:
                    return None
                link.receive(p)
                return 'silence'
            link.trouble = lose
            check(w.party.recv() == ('channel', pattern(3000000)), 'the message differs')
            link.trouble = None
            w.party.finish()
            w.ends(0)
            check(len([p for p in link.heard if p.kind == DATA]) > len(seen), 'nothing came again')


def case_recv(whist, tls):
    """Messages to whist: split, several in a POST, empty; FIN with the hash."""
    with Whist(whist, 'recv', '--count', str(len(MESSAGES)), tls=tls, post_bytes=400000) as w:
        for m in MESSAGES:
            w.party.send(m)
        w.party.finish()
        w.ends(0)
        check(w.received() == MESSAGES, 'messages differ')


def case_order(whist, tls):
    """POSTs that come twice, and in the wrong order."""
    parts = [message(b'a'), message(b'bb'), message(pattern(500), last=False, total=900),
             Frame(pattern(400), '', first=False)]
    with Whist(whist, 'recv', '--count', '3', tls=tls) as w:
        link = w.contact()
        posts, at, first = [], 0, 0
        for f in parts:
            posts.append((f, at, first))
            at, first = at + f.weight, first + f.first
        total = sum(f.weight for f in parts)
        with w.party.changed:   # as if the link had sent them itself
            for data in (b'a', b'bb', pattern(500) + pattern(400)):
                link.out.add('channel', len(data))
            link.position, link.built = total, 3
        for f, at, first in posts[::-1] + posts:
            a = w.expect(w.data(f, position=at, first_message=first), OK)
            check(a.ack in (0, total), 'ack %d' % a.ack)
        with w.party.changed:
            w.party.hold = False
        w.party.finish()
        w.ends(0)
        check(w.received() == [b'a', b'bb', pattern(500) + pattern(400)], 'messages differ')


def case_heartbeat(whist, tls):
    """A party that has nothing to say sends an UPDATE after 5 s."""
    with Whist(whist, 'recv', tls=tls) as w:
        link = w.contact()
        n = len(link.heard)
        w.party.wait(lambda: any(p.kind == UPDATE for p in link.heard[n:]), 'a heartbeat')


def case_abort(whist, tls):
    """An ABORT ends whist, before a message that waits; its text is shown."""
    with Whist(whist, 'recv', '--count', '2', tls=tls) as w:
        w.contact()
        w.expect(w.data(message(b'one')), OK)
        w.expect(w.update(kind=ABORT, meta=encode_abort(13, 'and', 'bad MAC')), OK)
        w.ends(4, 'party 1', 'bad MAC')


def malformed(w):
    """POSTs that are malformed, each with the answer BAD, and none does harm."""
    long = Frame(b'', 'x' * 41)
    yield b''
    yield bytes(71)
    yield w.data(message(b'x')).encode()[:-1]
    for tail in (dict(magic=b'WHT'), dict(flags=2), dict(zeros=b'\0\0\0\0\0\1'), dict(kind=0),
                 dict(kind=5), dict(m=5), dict(m=1 << 31), dict(position=LIMIT + 1),
                 dict(ack=LIMIT + 1), dict(credit=LIMIT + 1), dict(from_epoch=0), dict(to_epoch=0),
                 dict(n=0), dict(n=2), dict(n=0xffffffff), dict(sender=0), dict(receiver=1),
                 dict(receiver=7), dict(kind=UPDATE), dict(kind=HELLO), dict(kind=ABORT)):
        yield w.data(message(b'x')).encode(**tail)
    for fields in (dict(meta=b'x'), dict(position=1), dict(first_message=1)):
        yield w.update(**fields)
    yield w.update(kind=HELLO, meta=bytes(55))
    yield w.update(kind=HELLO, meta=w.party.link.hello()[:4] + b'\1' + w.party.link.hello()[5:])
    for abort in (b'', b'\1\0\0', encode_abort(1, 'x' * 41, ''), encode_abort(1, '', 'x' * 301),
                  encode_abort(1, 'x', 'y') + b'z'):
        yield w.update(kind=ABORT, meta=abort)
    for frames in ([long], [Frame(b'', 'a\n')], [message(b'x', kind=3)], [message(b'x', total=5)],
                   [message(b'xy', last=False, total=2)], [message(b'xy', last=False, total=1)],
                   [message(b'xy', last=False, total=LIMIT + 1)], [message(b'', last=False, total=1)],
                   [message(b'x'), Frame(b'y', '', first=False)],
                   [message(b'x', last=False, total=2), message(b'y')],
                   [Frame(bytes(47), kind=F_FIN)], [Frame(bytes(48), 'x', kind=F_FIN)],
                   [Frame(bytes(48), kind=F_FIN), message(b'x')]):
        p = w.data(*frames)
        if frames[0].total == 5 and frames[0].last:
            yield p.encode().replace(HEAD.pack(1, 3, 7, 0, 1), HEAD.pack(1, 3, 7, 0, 2))
        else:
            yield p
    yield w.data(message(b'x')).encode().replace(HEAD.pack(1, 3, 7, 0, 1), HEAD.pack(1, 3, 255, 0, 1))
    yield w.data(message(b'x')).encode().replace(HEAD.pack(1, 3, 7, 0, 1), HEAD.pack(1, 3, 7, 1, 1))
    yield w.data(message(b'x')).encode().replace(HEAD.pack(1, 3, 7, 0, 1), HEAD.pack(1, 7, 7, 0, 1))


def case_malformed(whist, tls):
    """Whatever is malformed is answered with BAD; then all goes on."""
    with Whist(whist, 'recv', tls=tls) as w:
        w.contact()
        for i, post in enumerate(malformed(w)):
            try:
                w.expect(post, BAD)
            except Wrong as e:
                raise Wrong('malformed POST number %d: %s' % (i, e))
        with w.party.changed:
            w.party.hold = False
        w.party.send(b'all is well')
        w.party.finish()
        w.ends(0)
        check(w.received() == [b'all is well'], 'messages differ')


def case_runs(whist, tls):
    """Runs: what is from another run, or for one, is STALE and does no harm."""
    with Whist(whist, 'recv', tls=tls) as w:
        link = w.contact()
        w.expect(w.data(message(b'x')), STALE, to_epoch=link.peer_epoch ^ 1)
        w.expect(w.data(message(b'x')), STALE, from_epoch=link.epoch ^ 1)
        w.expect(w.update(kind=HELLO, meta=link.hello()), OK)
        n = len(link.heard)
        w.expect(w.update(kind=HELLO, meta=link.hello()), STALE, from_epoch=link.epoch ^ 1, to_epoch=0)
        w.party.wait(lambda: any(p.kind == UPDATE for p in link.heard[n:]), 'an UPDATE that asks',
                     3)   # a heartbeat would come after 5 s
        with w.party.changed:
            w.party.hold = False
        w.party.send(b'still here')
        w.party.finish()
        w.ends(0)
        check(w.received() == [b'still here'], 'messages differ')


def case_restart(whist, tls):
    """A peer that was restarted answers STALE by another run: the end."""
    with Whist(whist, 'recv', tls=tls) as w:
        link = w.contact()
        with w.party.changed:
            link.epoch ^= 2
            link.peer_epoch = None
        status, a = w.party.inject(Post(HELLO, from_epoch=link.epoch, sender=1, receiver=0,
                                        meta=link.hello()))
        check(a and a.kind == STALE and status == 410, 'the answer to a hello of the new run')
        w.ends(4, 'party 1')


def case_agree(whist, tls):
    """Hellos that do not agree: which field, and both values."""
    def hello(**fields):
        with Whist(whist, 'recv', tls=tls, mute=True) as w:
            link = w.party.link
            w.party.wait(lambda: link.heard, 'a hello')
            body = dict(n=2, session=link.session, config=link.config, version=1)
            body.update(fields)
            p = Post(HELLO, from_epoch=link.epoch, sender=1, receiver=0,
                     meta=HELLO_BODY.pack(body['n'], 0, body['session'], body['config']))
            kind = UNKNOWN if 'session' in fields else MISMATCH
            a = w.expect(p, kind, version=body['version'], receiver=body.get('receiver', 0))
            check(a.hello and HELLO_BODY.unpack(a.hello)[0] == 2, 'a hello in the answer')
            check(HELLO_BODY.unpack(a.hello)[2] == link.session, 'the session in the answer')
            if kind == MISMATCH:
                w.ends(4, 'party 1')
    hello(n=3)
    hello(config=bytes([7] * 32))
    hello(session=bytes([7] * 16))
    hello(version=2)


def case_rules(whist, tls):
    """What breaks a rule: BAD, an ABORT to the peer, FAILED for whatever comes later."""
    count = Count()
    count.add('channel', 1)
    right, x = count.fin(), message(b'x')
    wrong = right[:20] + bytes([right[20] ^ 1]) + right[21:]
    fin = lambda payload: Frame(payload, kind=F_FIN)
    cases = {
        'overlap': [([x], dict()), ([x, x], dict())],
        'overlap of what is kept': [([x, x], dict(position=500, first_message=1)),
                                    ([message(pattern(400))], dict())],
        'credit': [([x], dict(position=LIMIT))],
        'first message': [([x], dict(first_message=1))],
        'part without a beginning': [([Frame(b'x', '', first=False)], dict())],
        'too long': [([message(b'x', last=False, total=3)], dict()),
                     ([Frame(b'xyz', '', first=False)], dict(position=129, first_message=1))],
        'too short': [([message(b'x', last=False, total=3)], dict()),
                      ([Frame(b'x', '', first=False)], dict(position=129, first_message=1))],
        'a beginning too many': [([message(b'x', last=False, total=3)], dict()),
                                 ([x], dict(position=129, first_message=1))],
        'after a FIN': [([x], dict(position=x.weight + 176, first_message=1)),
                        ([x, fin(right)], dict())],
        'wrong hash': [([x, fin(wrong)], dict())],
        'wrong count': [([x, fin(Count().fin())], dict())],
        'ack of nothing': [([x], dict(ack=1))],
    }
    last = {name: BAD for name in cases}
    last['ack of nothing'] = FAILED
    for taken in ('overlap of what is kept', 'after a FIN', 'wrong hash', 'wrong count'):
        last[taken] = OK
    for name, posts in cases.items():
        with Whist(whist, 'recv', '--count', '5', tls=tls) as w:
            link = w.contact()
            try:
                for i, (frames, fields) in enumerate(posts):
                    w.expect(w.data(*frames, **fields), last[name] if i == len(posts) - 1 else OK)
                w.party.wait(lambda: any(p.kind == ABORT for p in link.heard), 'an ABORT')
                w.ends(4, 'party 1')
            except (Wrong, OSError, http.client.HTTPException) as e:
                raise Wrong('%s: %r' % (name, e))


def case_failed(whist, tls):
    """Whoever has given up answers FAILED, with the reason, for a while."""
    with Whist(whist, 'recv', '--count', '5', tls=tls) as w:
        link = w.contact()
        with w.party.changed:
            link.trouble = lambda p: 'silence' if p.kind == ABORT else None
        w.expect(w.data(message(b'x'), first_message=1), BAD)
        a = w.expect(w.update(), FAILED)
        check(decode_abort(a.meta)[0] == 11, 'status of the abort')
        w.ends(4, 'party 1')


def case_phase(whist, tls):
    """A message of another phase: both labels are named, also to the peer."""
    with Whist(whist, 'recv', tls=tls) as w:
        link = w.contact()
        w.expect(w.data(Frame(b'x', 'tea time')), OK)
        w.party.wait(lambda: link.error, 'an ABORT')
        check('tea time' in link.error[1] and 'channel' in link.error[1], repr(link.error))
        w.ends(4, 'tea time', 'channel')


def raw(w, text, tls):
    """Bytes to the server of whist, and all that it answers until it is silent or closes."""
    host, port = w.party.peer.split(':')
    s = socket.create_connection((host, int(port)), timeout=10)
    if tls:
        s = w.party.tls.client().wrap_socket(s)
    s.sendall(text)
    answer = b''
    s.settimeout(0.3)
    try:
        while chunk := s.recv(65536):
            answer += chunk
        closed = True
    except (TimeoutError, ssl.SSLError):
        closed = False
    except ConnectionError:
        closed = True
    s.close()
    return answer, closed


def case_http(whist, tls):
    """Requests around the POSTs: wrong ones are refused, and all goes on."""
    with Whist(whist, 'recv', tls=tls) as w:
        link = w.contact()
        path, host = w.party.path(), 'host: ' + w.party.peer + '\r\n'
        body = w.update().encode()
        head = 'POST %s HTTP/1.1\r\n%s' % (path, host)
        length = 'content-length: %d\r\n' % len(body)
        bad = {
            'two lengths': head + length + 'content-length: 1\r\n\r\n',
            'length and coding': head + length + 'transfer-encoding: chunked\r\n\r\n',
            'bare LF': head.replace('\r', '') + length + '\n',
            'folded field': head + 'x: y\r\n z\r\n' + length + '\r\n',
            'space before the colon': head + length.replace(':', ' :') + '\r\n',
            'no number': head + 'content-length: +7\r\n\r\n',
            'not HTTP': 'HELO %s\r\n\r\n' % path,
        }
        for name, text in bad.items():
            answer, closed = raw(w, text.encode() + body, tls)
            check(answer.startswith(b'HTTP/1.1 400 ') and closed, '%s: %r' % (name, answer[:200]))
        get = lambda path: 'GET %s HTTP/1.1\r\n%s\r\n' % (path, host)
        refused = (   # request, with the body; status, and whether the connection is closed
            (head.replace('/msg/1', '/msg/0') + length + '\r\n', b'400', False),
            (head.replace('/msg/1', '/msg/2') + length + '\r\n', b'400', False),
            (head.replace(link.session.hex(), '0f' * 16) + length + '\r\n', b'404', False),
            (head.replace('/s/', '/t/') + length + '\r\n', b'404', False),
            (head.replace(path, '/else') + length + '\r\n', b'404', False))
        for text, status, closes in refused:
            answer, closed = raw(w, text.encode() + body, tls)
            check(answer.startswith(b'HTTP/1.1 ' + status) and closed == closes and
                  b'content-type: text/plain; charset=utf-8' in answer, '%s: %r' % (text, answer))
        for text, status in ((get(path), b'405'), (get('/msg/0'), b'405'), (get('/health'), b'200'),
                             (get('/ready'), b'200'), (get('/metrics'), b'200'),
                             (get('/else'), b'404')):
            answer, closed = raw(w, text.encode(), tls)
            check(answer.startswith(b'HTTP/1.1 ' + status) and not closed and
                  (b'allow: POST' in answer) == (status == b'405'), '%s: %r' % (text, answer))
        answer, closed = raw(w, (head + 'content-length: 4194305\r\n\r\n').encode(), tls)
        check(answer.startswith(b'HTTP/1.1 413 ') and closed, 'too long: %r' % answer)
        answer, _ = raw(w, (head + 'expect: 100-continue\r\n' + length + '\r\n').encode(), tls)
        check(answer == b'HTTP/1.1 100 Continue\r\n\r\n', 'expect: %r' % answer)
        chunks = b'%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n' % (10, body[:10], len(body) - 10, body[10:])
        answer, _ = raw(w, (head + 'transfer-encoding: chunked\r\n\r\n').encode() + chunks, tls)
        check(answer.startswith(b'HTTP/1.1 200 '), 'chunked: %r' % answer)
        answer, closed = raw(w, (head.replace('/1.1', '/1.0') + length + '\r\n').encode() + body, tls)
        check(answer.startswith(b'HTTP/1.0 200 ') and closed, 'HTTP/1.0: %r' % answer)
        end_in_head(w, head, tls)
        good = (head + length + '\r\n').encode() + body
        answer, _ = raw(w, good * 3, tls)   # pipelined
        check(answer.count(b'HTTP/1.1 200 ') == 3, 'pipelined: %r' % answer[:300])
        answer, _ = raw(w, (head + 'connection: close\r\n' + length + '\r\n').encode() + body, tls)
        check(answer.startswith(b'HTTP/1.1 200 ') and b'connection: close' in answer.lower(), 'close')
        with w.party.changed:
            w.party.hold = False
        w.party.send(b'all is well')
        w.party.finish()
        w.ends(0)


def end_in_head(w, head, tls):
    """A POST whose end is in its head, well (then it is seen to be for another run) and badly."""
    body = w.data(message(pattern(600))).encode(to_epoch=1)
    for at, fields, status in (
            (600, ['%s'], 410), (len(body), ['%s'], 410), (len(body), [], 410),
            (600, ['%s0'], 400), (600, ['%sx0'], 400), (600, ['%s', '%s'], 400),
            (600, ['%s' + 100 * '00'], 400), (600, [], 400), (511, ['%s'], 400)):
        text = head + ''.join('Whist-End: ' + f.replace('%s', body[at:].hex()) + '\r\n'
                              for f in fields)
        text += 'content-length: %d\r\n\r\n' % at
        answer, closed = raw(w, text.encode() + body[:at], tls)
        check(answer.startswith(b'HTTP/1.1 %d ' % status) and not closed, '%s: %r' % (text, answer))


def case_identity(whist, tls):
    """Who cannot prove to be the party in the path is refused; over TLS by its certificate."""
    with Whist(whist, 'recv', tls=tls) as w:
        link = w.contact()
        body, path = w.update().encode(), w.party.path()
        for other in ('0', '2', '7'):
            status, _ = w.party.exchange(body, path[:-1] + other)
            check(status == 400, 'status %d for party %s' % (status, other))
        if tls:
            subprocess.run([whist, 'keygen', '--name', 'mallory', '-o', w.dir.name + '/'],
                           check=True, capture_output=True)
            own = w.party.tls.files
            for files in (None, (w.file('mallory.crt'), w.file('mallory.key'))):
                w.party.tls.files = files
                try:
                    status, _ = w.party.exchange(body)
                except (OSError, http.client.HTTPException):
                    status = 401   # an alert, or the end of the connection
                check(status in (401, 403), 'status %d with certificate %s' % (status, files))
            w.party.tls.files = own
        with w.party.changed:
            w.party.hold = False
        w.party.send(b'all is well')
        w.party.finish()
        w.ends(0)
        check(w.received() == [b'all is well'] and link.error is None, 'the honest message')


CASES = {name[5:]: f for name, f in list(globals().items()) if name.startswith('case_')}


def main(args):
    if args == ['list']:
        print('\n'.join(CASES))
    elif args == ['self']:
        self_check()
    elif len(args) >= 2 and args[0] in CASES:
        for attempts_left in range(4, -1, -1):
            try:
                CASES[args[0]](args[1], len(args) > 2)
                break
            except PortTaken as taken:
                if attempts_left == 0:
                    raise Wrong('no free ports') from taken
    else:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except Wrong as wrong:
        print('wirecheck: ' + str(wrong), file=sys.stderr)
        sys.exit(1)
