#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""check_trace.py [--whole] FILE: a timeline, as strictly as the Trace Event Format has it (array form):
what viewers forgive is an error here. --whole: every message was sent and received."""
import json
import re
import sys
from decimal import Decimal

FIELDS = {
    'M': {'name', 'ph', 'pid', 'args'},
    'X': {'name', 'cat', 'ph', 'pid', 'tid', 'ts', 'dur'},
    's': {'name', 'cat', 'ph', 'id', 'pid', 'tid', 'ts'},
    'f': {'name', 'cat', 'ph', 'id', 'pid', 'tid', 'ts', 'bp'},
    'i': {'name', 'cat', 'ph', 's', 'pid', 'tid', 'ts'},
}
MAY = {'M': {'tid', 'ts'}, 'X': {'args'}, 'i': {'args'}}
METADATA = {'process_name': ('name', str), 'process_sort_index': ('sort_index', int),
            'thread_name': ('name', str), 'thread_sort_index': ('sort_index', int)}


def need(ok, what, event=None):
    if not ok:
        sys.exit('check_trace.py: %s%s' % (what, '' if event is None else ': %s' % event))


def no_twins(pairs):
    need(len({k for k, _ in pairs}) == len(pairs), 'a field is there twice', pairs)
    return dict(pairs)


def check_fields(e):
    need(isinstance(e, dict) and e.get('ph') in FIELDS, 'no event, or of an unknown phase', e)
    must, may = FIELDS[e['ph']], MAY.get(e['ph'], set())
    need(must <= set(e) <= must | may, 'fields are missing or unknown', e)
    need(isinstance(e['name'], str) and e['name'] != '', 'no name', e)
    need(all(type(e[k]) is int and 0 <= e[k] < 2**31 for k in ('pid', 'tid') if k in e), 'bad numbers', e)
    for k in ('ts', 'dur'):
        if k in e:  # microseconds, to the nanosecond
            need(type(e[k]) in (int, Decimal) and e[k] >= 0 and e[k] * 1000 % 1 == 0, 'bad time', e)
    need(isinstance(e.get('cat', 'x'), str) and isinstance(e.get('args', {}), dict), 'bad kind of field', e)


def check_metadata(e, processes, threads):
    if e['name'] == 'end':
        return
    need(e['name'] in METADATA, 'unknown metadata', e)
    field, kind = METADATA[e['name']]
    need(list(e['args']) == [field] and type(e['args'][field]) is kind, 'bad metadata', e)
    need(('tid' in e) == e['name'].startswith('thread'), 'metadata of the wrong thing', e)
    if e['name'] == 'process_name':
        need(e['pid'] not in processes, 'a process has two names', e)
        processes.add(e['pid'])
    elif e['name'] == 'thread_name':
        need(e['tid'] not in threads, 'a thread has two names', e)
        threads[e['tid']] = e['pid']


def check_nesting(track):
    """Slices of one thread lie within each other, or apart."""
    need(len({e['ts'] for e in track}) == len(track), 'two slices of a thread begin at once')
    open_ends = []
    for e in sorted(track, key=lambda e: (e['ts'], -e['dur'])):
        while open_ends and open_ends[-1] <= e['ts']:
            open_ends.pop()
        need(e['dur'] > 0, 'an empty slice', e)
        need(not open_ends or e['ts'] + e['dur'] <= open_ends[-1], 'slices overlap', e)
        open_ends.append(e['ts'] + e['dur'])


def check_flows(flows, tracks, whole):
    ends = {}
    for e in flows:
        need(isinstance(e['id'], str), 'bad id', e)
        ends.setdefault(e['id'], {})
        need(e['ph'] not in ends[e['id']], 'an arrow has two ends of a kind', e)
        need(e['ph'] == 's' or e['bp'] == 'e', 'bad bp', e)
        need(any(s['ts'] <= e['ts'] < s['ts'] + s['dur'] for s in tracks.get(e['tid'], ())),
             'an arrow without a slice', e)
        ends[e['id']][e['ph']] = e
    for pair in ends.values():
        need(not whole or len(pair) == 2, 'half an arrow', pair)
        if len(pair) == 2:
            need((pair['s']['name'], pair['s']['cat']) == (pair['f']['name'], pair['f']['cat']),
                 'names of an arrow differ', pair)
            need(pair['s']['ts'] <= pair['f']['ts'], 'an arrow into the past', pair)


def main():
    whole, path = '--whole' in sys.argv[1:-1], sys.argv[-1]
    with open(path, encoding='ascii') as f:
        text = f.read()
    need(not re.search(r'[\x00-\x09\x0b-\x1f]', text), 'bytes that are not printable')
    events = json.loads(text, object_pairs_hook=no_twins, parse_float=Decimal)
    need(isinstance(events, list), 'no array')
    processes, threads, tracks, flows = set(), {}, {}, []
    for e in events:
        check_fields(e)
        if e['ph'] == 'M':
            check_metadata(e, processes, threads)
    for e in events:
        if e['ph'] == 'M':
            continue
        need(e['pid'] in processes and threads.get(e['tid']) == e['pid'], 'no names of its track', e)
        if e['ph'] == 'X':
            tracks.setdefault(e['tid'], []).append(e)
        elif e['ph'] == 'i':
            need(e['s'] in ('g', 'p', 't'), 'bad scope', e)
        else:
            flows.append(e)
    for track in tracks.values():
        check_nesting(track)
    check_flows(flows, tracks, whole)
    print('slices=%d\nprocesses=%d\narrows=%d' % (sum(map(len, tracks.values())), len(processes),
                                                 len({e['id'] for e in flows})))


main()
