# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A second implementation of the native wire, written from docs/wire.md alone: the bytes, a link, and
a party with one peer. Python's standard library only. It is there to check the document and the
first implementation (wirecheck.py), not to be fast.
"""
import hashlib
import http.client
import http.server
import secrets
import socket
import ssl
import struct
import threading
import time
from collections import deque

# ---- Bytes: POSTs ----

HELLO, DATA, UPDATE, ABORT = 1, 2, 3, 4
OK, STALE, FAILED, MISMATCH, BAD, BUSY, UNKNOWN = 1, 2, 3, 4, 5, 6, 7
STATUS = {OK: 200, STALE: 410, FAILED: 410, MISMATCH: 409, BAD: 400, BUSY: 503, UNKNOWN: 404}
F_DATA, F_FIN = 1, 2
FIRST, LAST = 1, 2
COMPLETE, WITH_HELLO = 1, 2
COST, WINDOW, POST_MAX, POST_USUAL, SHARED = 128, 64 << 20, 4194304, 1048576, 65536
LIMIT = 1 << 62
TAIL = struct.Struct('<QQQQQQIIHHBB6s3sB')
HEAD = struct.Struct('<BBBBI')
HELLO_BODY = struct.Struct('<II16s32s')
ANSWER = struct.Struct('<3sBBBHQQQQ')


class Malformed(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Malformed(text)


class Frame:
    def __init__(self, payload=b'', label='', first=True, last=True, total=None, kind=F_DATA):
        self.payload, self.label, self.first, self.last = bytes(payload), label, first, last
        self.total, self.kind = len(payload) if total is None else total, kind

    weight = property(lambda self: len(self.payload) + COST)


class Post:
    """One POST. `tail` replaces fields of the tail, for those who want to be rude."""

    def __init__(self, kind, **fields):
        self.kind, self.version, self.magic, self.zeros = kind, 1, b'WHS', bytes(6)
        self.from_epoch = self.to_epoch = self.position = self.first_message = 0
        self.ack = self.credit = self.sender = self.receiver = self.flags = 0
        self.frames, self.meta = [], b''
        self.__dict__.update(fields)

    weight = property(lambda self: sum(f.weight for f in self.frames))

    def encode(self, **tail):
        meta, label = self.meta, None
        for f in self.frames:
            name = f.label.encode()
            p = 0 if not f.first else 255 if f.label == label else len(name)
            label = f.label if f.first else label
            meta += HEAD.pack(f.kind, f.first * FIRST + f.last * LAST, p, 0, len(f.payload))
            if f.first and not f.last:
                meta += struct.pack('<Q', f.total)
            if f.first and p != 255:
                meta += name
        t = {**self.__dict__, 'n': len(self.frames), 'm': len(meta), **tail}
        return b''.join(f.payload for f in self.frames) + meta + TAIL.pack(
            t['from_epoch'], t['to_epoch'], t['position'], t['first_message'], t['ack'],
            t['credit'], t['n'], t['m'], t['sender'], t['receiver'], t['kind'], t['flags'],
            t['zeros'], t['magic'], t['version'])


def is_label(raw):
    return all(0x20 <= c <= 0x7e for c in raw)


def decode_heads(meta, payloads, n):
    frames, at, label, done = [], 0, None, 0
    for i in range(n):
        need(len(meta) - at >= HEAD.size, 'heads end early')
        kind, flags, p, zero, length = HEAD.unpack_from(meta, at)
        at += HEAD.size
        need(kind in (F_DATA, F_FIN) and flags <= 3 and zero == 0, 'head of a frame')
        first, last, total, name = flags & FIRST > 0, flags & LAST > 0, length, ''
        if first and not last:
            need(len(meta) - at >= 8, 'heads end early')
            total = struct.unpack_from('<Q', meta, at)[0]
            at += 8
            need(length < total <= LIMIT, 'total')
        if first and p == 255:
            need(label is not None, 'no label to refer to')
            name = label
        elif first:
            need(p <= 40 and len(meta) - at >= p, 'label')
            need(is_label(meta[at:at + p]), 'label')
            name = meta[at:at + p].decode()
            at += p
        else:
            need(p == 0, 'a label in a later frame')
        label = name if first else label
        need(first or i == 0, 'a later part is not the first frame of its POST')
        need(last or i == n - 1, 'an earlier part is not the last frame of its POST')
        need(length > 0 or (first and last), 'an empty part')
        if kind == F_FIN:
            need(first and last and name == '' and length == 48 and i == n - 1, 'FIN')
        need(length <= len(payloads) - done, 'payloads end early')
        frames.append(Frame(payloads[done:done + length], name, first, last, total, kind))
        done += length
    need(at == len(meta) and done == len(payloads), 'bytes are left over')
    return frames


def decode_post(body):
    need(TAIL.size <= len(body) <= POST_MAX, 'length of the POST')
    p = Post(0)
    (p.from_epoch, p.to_epoch, p.position, p.first_message, p.ack, p.credit, n, m, p.sender,
     p.receiver, p.kind, p.flags, p.zeros, p.magic, p.version) = TAIL.unpack(body[-TAIL.size:])
    need(p.magic == b'WHS', 'magic')
    if p.version != 1:
        return p
    need(p.zeros == bytes(6) and p.flags <= 1 and HELLO <= p.kind <= ABORT, 'tail')
    need(p.from_epoch != 0 and (p.to_epoch != 0 or p.kind == HELLO), 'epochs')
    need(max(p.position, p.ack, p.credit) <= LIMIT, 'positions')
    need(m <= len(body) - TAIL.size, 'length of meta')
    end = len(body) - TAIL.size
    p.meta, payloads = body[end - m:end], body[:end - m]
    if p.kind == DATA:
        need(n >= 1, 'no frames')
        p.frames, p.meta = decode_heads(p.meta, payloads, n), b''
    else:
        need(p.position == p.first_message == n == len(payloads) == 0, 'fields of DATA')
        if p.kind == HELLO:
            need(m == HELLO_BODY.size and HELLO_BODY.unpack(p.meta)[1] == 0, 'hello')
        elif p.kind == ABORT:
            decode_abort(p.meta)
        else:
            need(m == 0, 'UPDATE with meta')
    return p


def encode_abort(status, label, text):
    return struct.pack('<BBH', status, len(label), len(text)) + label.encode() + text.encode()


def decode_abort(meta):
    need(len(meta) >= 4, 'abort')
    status, label, text = struct.unpack_from('<BBH', meta)
    need(label <= 40 and text <= 300 and len(meta) == 4 + label + text, 'abort')
    return status, meta[4:4 + label].decode('latin-1'), meta[4 + label:].decode('latin-1')


# ---- Bytes: answers ----

class Answer:
    def __init__(self, kind, from_epoch, to_epoch, ack=0, credit=0, flags=0, hello=None, meta=b''):
        self.kind, self.from_epoch, self.to_epoch, self.flags = kind, from_epoch, to_epoch, flags
        self.ack, self.credit, self.hello, self.meta = ack, credit, hello, meta

    def encode(self):
        flags = self.flags | (WITH_HELLO if self.hello else 0)
        return ANSWER.pack(b'WHS', 1, self.kind, flags, len(self.meta), self.from_epoch,
                           self.to_epoch, self.ack, self.credit) + (self.hello or b'') + self.meta


def decode_answer(status, body):
    """None if no party wrote it."""
    if not ANSWER.size <= len(body) <= 1024:
        return None
    magic, version, kind, flags, m, from_epoch, to_epoch, ack, credit = ANSWER.unpack_from(body)
    if magic != b'WHS' or version != 1 or STATUS.get(kind) != status or flags > 3:
        return None
    hello = body[ANSWER.size:ANSWER.size + HELLO_BODY.size] if flags & WITH_HELLO else None
    meta = body[ANSWER.size + len(hello or b''):]
    if len(meta) != m or (flags & WITH_HELLO and len(hello) != HELLO_BODY.size):
        return None
    return Answer(kind, from_epoch, to_epoch, ack, credit, flags & COMPLETE, hello, meta)


# ---- A link ----

def groups_of_7(n):
    """A number in groups of 7 bits, the lowest first, with bit 7 in all bytes but the last."""
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


class Count:
    """Messages of one direction, with their running hash."""

    def __init__(self):
        self.messages = self.bytes = 0
        self.label = ''
        self.hash = hashlib.blake2b(struct.pack('<Q', 10) + b'whist link', digest_size=32)

    def add(self, label, message_len):
        self.hash.update(groups_of_7(message_len))
        self.hash.update(b'\xff' if label == self.label
                         else bytes([len(label)]) + label.encode())
        self.label = label
        self.messages += 1
        self.bytes += message_len

    def fin(self):
        return struct.pack('<QQ', self.messages, self.bytes) + self.hash.digest()


class Link:
    """What one party knows about its link to one peer. The lock is the party's condition."""

    def __init__(self, changed, n, me, peer, session, config, window=WINDOW, post_bytes=POST_USUAL):
        self.changed, self.n, self.me, self.peer = changed, n, me, peer
        self.session, self.config, self.window = session, config, window
        self.post_bytes = post_bytes
        self.epoch = secrets.randbits(64) | 1
        self.peer_epoch = None     # known, and the parties agree
        self.agreed = False        # the own hello was answered
        self.error = None
        self.abort = None          # to be told to the peer
        # Out.
        self.queue, self.out = deque(), Count()
        self.posts = []            # built and not acknowledged: [post, state]
        self.position = self.built = self.acked = self.limit = 0
        self.fin_sent = self.fin_acked = False
        # In.
        self.next = self.taken = 0
        self.kept, self.messages, self.count = {}, deque(), Count()
        self.parts = None          # label, total, parts of a message that has begun
        self.fin_seen = self.peer_complete = False
        self.promised = self.told_credit = window
        self.told_complete = False
        self.heard = []            # POSTs of the peer, in the order of arrival
        self.trouble = None        # for cases: called with each POST; may return an answer

    # What both ways need.

    def hello(self):
        return HELLO_BODY.pack(self.n, 0, self.session, self.config)

    def credit(self):
        waiting = self.parts[3] if self.parts else 0   # the application waits for what has begun
        self.promised = max(self.promised, self.taken + waiting + self.window)
        return self.promised

    def complete(self):
        return self.fin_acked and self.fin_seen

    def post(self, kind, **fields):
        self.told_credit = self.credit()
        self.told_complete = self.told_complete or self.complete()
        return Post(kind, from_epoch=self.epoch, to_epoch=self.peer_epoch or 0, sender=self.me,
                    receiver=self.peer, ack=self.next, credit=self.credit(),
                    flags=COMPLETE if self.complete() else 0, **fields)

    def fail(self, status, text, tell=True):
        if self.error is None:
            self.error = (status, text)
            if tell and self.peer_epoch:
                self.abort = encode_abort(11, '', text[:300])
        self.changed.notify_all()

    # Out.

    def build(self):
        """The next POST of what is queued, if any."""
        frames, size, start = [], 0, self.built
        while self.queue and len(frames) < 1000:
            label, message, at = self.queue[0]
            rest = len(message) - at
            if label is None:
                frames.append(Frame(self.out.fin(), '', kind=F_FIN))
                self.queue.popleft()
                self.fin_sent = True
                break
            room = self.post_bytes - TAIL.size - 16 - 40
            if frames and (at == 0 and size + rest + 64 > min(SHARED, room)):
                break
            part = message[at:at + room]
            first, last = at == 0, at + len(part) == len(message)
            if first and not last and frames:
                break
            frames.append(Frame(part, label if first else '', first, last, len(message)))
            size += len(part) + 64
            if first:
                self.built += 1
            if not last:
                self.queue[0] = (label, message, at + len(part))
                break
            self.queue.popleft()
            self.out.add(label, len(message))
        if not frames:
            return None
        p = Post(DATA, position=self.position, first_message=start, frames=frames)
        self.position += p.weight
        return p

    def next_post(self):
        """What to send now: (post as it goes out, entry of self.posts or None), or None."""
        if self.abort is not None:
            p, self.abort = self.post(ABORT, meta=self.abort), None
            return p, None
        if self.error:
            return None
        if not self.agreed:
            return self.post(HELLO, meta=self.hello()), None
        for entry in self.posts:
            if entry[1] == 'lost' and entry[0].position < self.limit:
                entry[1] = 'flying'
                return self.dress(entry[0]), entry
        flying = sum(e[1] == 'flying' for e in self.posts)
        if flying < 8 and len(self.posts) < 192 and self.position < self.limit:
            p = self.build()
            if p:
                entry = [p, 'flying']
                self.posts.append(entry)
                return self.dress(p), entry
        if self.complete() and not self.told_complete:
            return self.post(UPDATE), None
        if self.credit() - self.told_credit >= self.window // 4:
            return self.post(UPDATE), None
        return None

    def dress(self, p):
        return self.post(DATA, position=p.position, first_message=p.first_message, frames=p.frames)

    def learn(self, ack, credit, flags):
        need(ack <= self.position, 'an acknowledgement of what was not sent')
        self.acked, self.limit = max(self.acked, ack), max(self.limit, credit)
        self.posts = [e for e in self.posts if e[0].position + e[0].weight > self.acked]
        self.fin_acked = self.fin_acked or (self.fin_sent and self.acked == self.position)
        self.peer_complete = self.peer_complete or flags & COMPLETE > 0
        self.changed.notify_all()

    def answered(self, sent, entry, status, body):
        a = decode_answer(status, body)
        lost = a is None or (a.to_epoch != self.epoch and not (a.kind == BAD and a.to_epoch == 0))
        if lost or a.kind in (BUSY, UNKNOWN):
            self.lost(sent, entry)
            return
        if a.hello is not None and sent.kind == HELLO:
            n, _, session, config = HELLO_BODY.unpack(a.hello)
            if (n, session, config) != (self.n, self.session, self.config):
                return self.fail('mismatch', 'the answer to the hello', tell=False)
        if a.kind in (STALE, MISMATCH, BAD):
            return self.fail('refused', '%d: %s' % (a.kind, a.meta.decode('latin-1')), tell=False)
        if a.kind == FAILED:
            return self.fail('aborted', '%d/%s: %s' % decode_abort(a.meta), tell=False)
        if sent.kind == HELLO:
            need(a.hello is not None, 'an answer to a HELLO without one')
            self.peer_epoch, self.agreed = a.from_epoch, True
        else:
            need(a.from_epoch == self.peer_epoch, 'an answer of another run')
        self.learn(a.ack, a.credit, a.flags)

    def lost(self, sent, entry):
        if entry is not None:
            entry[1] = 'lost'
        elif sent.kind == ABORT and self.abort is None:
            self.abort = sent.meta
        if sent.kind == UPDATE:
            self.told_credit, self.told_complete = 0, False
        self.changed.notify_all()

    # In.

    def request(self, body):
        """Answer to a POST: HTTP status and body."""
        to, answer = 0, None
        try:
            p = decode_post(body)
            to = p.from_epoch
            self.heard.append(p)
            answer = self.trouble(p) if self.trouble else None
            answer = answer or self.receive(p)
        except Malformed as e:
            answer = (BAD, dict(meta=str(e).encode()))
        if answer == 'silence':
            return None
        kind, fields = answer
        complete = COMPLETE if self.complete() else 0
        self.told_complete = self.told_complete or complete > 0
        self.told_credit = max(self.told_credit, self.credit())
        self.changed.notify_all()
        return STATUS[kind], Answer(kind, self.epoch, to, self.next, self.credit(), complete,
                                    **fields).encode()

    def receive(self, p):
        text = lambda kind, s, **more: (kind, dict(meta=s.encode(), **more))
        if p.version != 1:
            self.fail('mismatch', 'version')
            return text(MISMATCH, 'version', hello=self.hello())
        if p.kind == HELLO:
            n, _, session, config = HELLO_BODY.unpack(p.meta)
            if session != self.session:
                return text(UNKNOWN, 'session', hello=self.hello())
            if (p.sender, p.receiver) != (self.peer, self.me) or (n, config) != (self.n,
                                                                                 self.config):
                self.fail('mismatch', 'hello')
                return text(MISMATCH, 'n, indices or configuration', hello=self.hello())
            if self.peer_epoch not in (None, p.from_epoch) or p.to_epoch not in (0, self.epoch):
                return text(STALE, 'another run')
            return OK, dict(hello=self.hello())
        need((p.sender, p.receiver) == (self.peer, self.me), 'indices')
        if p.to_epoch != self.epoch or self.peer_epoch not in (None, p.from_epoch):
            return text(STALE, 'another run')
        self.peer_epoch = p.from_epoch
        if self.error:
            status, what = self.error
            return FAILED, dict(meta=encode_abort(11, '', (status + ': ' + what)[:300]))
        if p.kind == ABORT:
            self.fail('aborted', '%d/%s: %s' % decode_abort(p.meta), tell=False)
            return OK, {}
        try:
            self.learn(p.ack, p.credit, p.flags)
            if p.kind == DATA:
                self.take_data(p)
        except Malformed as e:
            self.fail('protocol', str(e))
            raise
        return OK, {}

    def take_data(self, p):
        end = p.position + p.weight
        if p.position < self.next:
            need(end <= self.next, 'overlapping POSTs')
            return
        need(not self.fin_seen, 'frames after a FIN')
        need(p.position < self.credit(), 'beyond the credit')
        if p.position > self.next:
            self.kept[p.position] = p
            return
        while p is not None:
            started = self.count.messages + (1 if self.parts else 0)
            need(p.first_message == started, 'messages do not count up')
            for f in p.frames:
                self.take_frame(f)
            self.next += p.weight
            p = self.kept.pop(self.next, None)
            need(not any(k < self.next for k in self.kept), 'overlapping POSTs')

    def take_frame(self, f):
        need(not self.fin_seen, 'frames after a FIN')
        need(f.first == (self.parts is None), 'a part without a beginning')
        if f.kind == F_FIN:
            if f.payload != self.count.fin():
                self.fail('check', 'the hash of the messages')
                raise Malformed('the hash of the messages')
            self.fin_seen = True
            return
        if f.first:
            self.parts = [f.label, f.total, [], 0]
        label, total, parts, _ = self.parts
        parts.append(f.payload)
        self.parts[3] += f.weight
        have = sum(map(len, parts))
        need(have == total if f.last else have < total, 'parts do not add up')
        if f.last:
            self.messages.append((label, b''.join(parts), self.parts[3]))
            self.count.add(label, total)
            self.parts = None


# ---- A party: links over HTTP ----

class Wrong(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Wrong(text)


class Party:
    """A server, and two threads that send. One peer: enough to check a wire with."""

    def __init__(self, me, urls, session, config, tls=None, adopt=False, **options):
        self.changed = threading.Condition()
        self.tls, self.adopt, self.closed, self.hold = tls, adopt, False, False
        self.exchanges = self.ends_in_heads = 0
        self.link = Link(self.changed, len(urls), me, 1 - me, session, config, **options)
        host, port = urls[me].split('//')[1].split(':')
        self.peer = urls[1 - me].split('//')[1]
        party = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            disable_nagle_algorithm = True

            def do_POST(self):
                party.serve(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass   # a connection that broke

        self.server = Server((host, int(port)), Handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.server().wrap_socket(self.server.socket, server_side=True,
                                                          do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        for _ in range(2):
            threading.Thread(target=self.work, daemon=True).start()

    def path(self):
        return '/s/%s/msg/%d' % (self.link.session.hex(), self.link.me)

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers['content-length']))
        end = handler.headers.get_all('whist-end', [])
        need(len(end) <= 1 and (not end or len(body) >= 512), 'an end in the head')
        body += bytes.fromhex(''.join(end))
        self.ends_in_heads += len(end)
        part = handler.path.split('/')
        with self.changed:
            link = self.link
            if self.adopt and len(part) == 5 and body[-12:-11] == bytes([HELLO]):
                link.session = bytes.fromhex(part[2])
                link.n, _, _, link.config = HELLO_BODY.unpack(body[-128:-72])
                self.adopt = False
            good = part == ['', 's', link.session.hex(), 'msg', str(link.peer)]
            answer = link.request(body) if good else (404, b'unknown session\n')
        if answer is None:
            handler.close_connection = True
            return
        handler.send_response_only(answer[0])
        handler.send_header('content-type', 'application/octet-stream')
        handler.send_header('content-length', str(len(answer[1])))
        handler.end_headers()
        handler.wfile.write(answer[1])

    def connect(self):
        if self.tls:
            c = http.client.HTTPSConnection(self.peer, timeout=10, context=self.tls.client())
        else:
            c = http.client.HTTPConnection(self.peer, timeout=10)
        c.connect()
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return c

    def exchange(self, body, path=None, connection=None):
        """One POST: status and body of the answer."""
        c = connection or self.connect()
        head = {'content-type': 'application/octet-stream'}
        self.exchanges += 1
        if len(body) >= 700 and self.exchanges % 2:   # its end may be in the head
            head['whist-end'], body = body[-100:].hex(), body[:-100]
        c.request('POST', path or self.path(), body, head)
        r = c.getresponse()
        answer = r.status, r.read()
        if connection is None:
            c.close()
        return answer

    def inject(self, post, path=None, **tail):
        """A POST of somebody else's making: (HTTP status, answer or None)."""
        body = post if isinstance(post, bytes) else post.encode(**tail)
        status, answer = self.exchange(body, path)
        return status, decode_answer(status, answer)

    def work(self):
        c, pause = None, 0.02
        while True:
            with self.changed:
                todo = None
                while todo is None and not self.closed:
                    idle = self.hold or self.adopt
                    todo = None if idle else self.link.next_post()
                    if todo is None and not self.changed.wait(5) and self.link.agreed and \
                            not self.link.error and not self.hold:
                        todo = self.link.post(UPDATE), None   # heartbeat
                if todo is None:
                    return
                sent, entry = todo
                body = sent.encode()
            try:
                c = c or self.connect()
                status, answer = self.exchange(body, connection=c)
            except (OSError, http.client.HTTPException):
                c, status = None, None
            with self.changed:
                try:
                    if status is None:
                        self.link.lost(sent, entry)
                    else:
                        self.link.answered(sent, entry, status, answer)
                        pause = 0.02
                except Malformed as e:
                    self.link.fail('protocol', str(e))
            if status != 200:
                time.sleep(pause)
                pause = min(pause * 2, 0.5)

    # The application's side.

    def wait(self, condition, what, seconds=20):
        with self.changed:
            end = time.monotonic() + seconds
            while not condition():
                rest = end - time.monotonic()
                check(rest > 0, 'waited too long for ' + what + ', error: ' + repr(self.link.error))
                self.changed.wait(min(rest, 0.5))

    def send(self, message, label='channel'):
        with self.changed:
            self.link.queue.append((label, message, 0))
            self.changed.notify_all()

    def recv(self, seconds=20):
        link = self.link
        self.wait(lambda: link.messages or link.error, 'a message', seconds)
        with self.changed:
            check(link.messages, 'no message: ' + repr(link.error))
            label, message, weight = link.messages.popleft()
            link.taken += weight
            self.changed.notify_all()
            return label, message

    def finish(self):
        """FIN both ways, and the last word of both."""
        link = self.link
        with self.changed:
            link.queue.append((None, b'', 0))
            self.changed.notify_all()
        self.wait(lambda: link.error or (link.complete() and link.peer_complete), 'the end')
        check(link.error is None, 'at the end: ' + repr(link.error))
        time.sleep(0.1)   # an UPDATE may be on its way
        self.stop()

    def stop(self):
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()


class Tls:
    """Own key and certificate, and the certificate of the other side."""

    def __init__(self, key, certificate, peer_certificate):
        self.files = certificate, key
        self.peer = peer_certificate

    def context(self, purpose):
        c = ssl.SSLContext(purpose)
        c.minimum_version = ssl.TLSVersion.TLSv1_3
        c.check_hostname = False
        c.verify_mode = ssl.CERT_REQUIRED
        c.load_verify_locations(self.peer)
        if self.files:
            c.load_cert_chain(*self.files)
        return c

    def server(self):
        return self.context(ssl.PROTOCOL_TLS_SERVER)

    def client(self):
        return self.context(ssl.PROTOCOL_TLS_CLIENT)
