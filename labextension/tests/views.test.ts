import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  basename,
  duration,
  elapsed,
  fraction,
  mood,
  size
} from '../src/format';
import { grouped, matches, ordered } from '../src/list';
import { LogText } from '../src/logText';
import { row } from './fixture';

test('a duration has its two largest units', () => {
  const rows: [number, string][] = [
    [0, '0 s'],
    [-3, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [63, '1 min 3 s'],
    [3600, '1 h'],
    [7505, '2 h 5 min'],
    [90000, '1 d 1 h']
  ];
  for (const [seconds, text] of rows) {
    assert.equal(duration(seconds), text);
  }
});

test('a size is written as people do', () => {
  assert.equal(size(0), '0 B');
  assert.equal(size(999), '999 B');
  assert.equal(size(1200), '1.2 kB');
  assert.equal(size(15_000_000), '15 MB');
});

test('a job that runs gets older from when it was told; others do not', () => {
  const running = row({ state: 'RUNNING', started: 5, seconds: 10 });
  assert.equal(elapsed(running, 107, 100), 17);
  assert.equal(elapsed(running, 90, 100), 10);
  const ended = row({ state: 'FAILED', live: false, seconds: 10 });
  assert.equal(elapsed(ended, 107, 100), 10);
  assert.equal(elapsed(row({ state: 'PENDING', seconds: 0 }), 9, 1), 0);
});

test('a fraction is told only where the whole is known', () => {
  assert.equal(fraction({ done: 1, total: 4, text: '' }), 0.25);
  assert.equal(fraction({ done: 9, total: 4, text: '' }), 1);
  assert.equal(fraction({ done: 9, total: null, text: '' }), null);
  assert.equal(fraction({ done: 9, total: 0, text: '' }), null);
});

test('a state that a later release may have is taken for a bad end', () => {
  assert.equal(mood('RUNNING'), 'going');
  assert.equal(mood('BOOT_FAIL'), 'bad');
  assert.equal(basename('/a/b.ipynb'), 'b.ipynb');
});

test('live jobs stand first, then the latest', () => {
  const old = row({ id: 'old', sent: 1, live: true });
  const late = row({ id: 'late', sent: 3, live: false });
  const middle = row({ id: 'middle', sent: 2, live: false });
  const found = ordered([middle, late, old]).map(each => each.id);
  assert.deepEqual(found, ['old', 'late', 'middle']);
});

test('each word of a filter has to be somewhere', () => {
  const job = row({ state: 'OUT_OF_MEMORY', name: 'Train', node: 'node3' });
  for (const filter of ['', 'train', 'TRAIN node3', 'out of memory', ' 3 ']) {
    assert.ok(matches(job, filter), filter);
  }
  assert.ok(!matches(job, 'train node4'));
});

test('groups stand where their first job would', () => {
  const rows = [
    row({ id: '1', path: 'b.ipynb', state: 'RUNNING' }),
    row({ id: '2', path: null, notebook: '/x/a.ipynb', state: 'FAILED' }),
    row({
      id: '3',
      path: 'b.ipynb',
      notebook: '/x/old.ipynb',
      state: 'FAILED'
    }),
    row({ id: '4', path: null, notebook: null, state: 'FAILED' })
  ];
  const ids = (by: 'none' | 'notebook' | 'state'): string[][] =>
    grouped(rows, by).map(group => group.rows.map(each => each.id));
  assert.deepEqual(ids('notebook'), [['1', '3'], ['2'], ['4']]);
  assert.deepEqual(ids('state'), [['1'], ['2', '3', '4']]);
  assert.deepEqual(ids('none'), [['1', '2', '3', '4']]);
  assert.deepEqual(grouped([], 'none'), []);
});

function shown(...parts: string[]): string[] {
  const text = new LogText(1000);
  parts.forEach(part => text.add(part));
  return [...text.lines, text.open];
}

test('a log shows what a terminal would', () => {
  const rows: [string, string[]][] = [
    ['one\ntwo\nthree', ['one', 'two', 'three']],
    ['one\r\ntwo\r\n', ['one', 'two', '']],
    ['one\r\r\ntwo', ['one', 'two']],
    [' 10%\r 20%\r100%\ndone', ['100%', 'done']],
    ['long line\rshort', ['shortline']],
    ['abc\b\bX', ['aXc']],
    ['\u001b[32mgreen\u001b[0m and \u001b[1mbold\u001b[0m', ['green and bold']],
    ['\u001b]0;title\u0007text', ['text']],
    ['\u001b(Bplain\u001b[m\u001b7\u001b=', ['plain']],
    ['downloading\r\u001b[Kdone', ['done']],
    ['downloading\u001b[2K\rdone', ['done']],
    ['downloading\u001b[2Kdone', ['done']],
    ['\u001b]8;;http://x\u001b\\link', ['link']],
    ['a\u0000b\u0007c', ['abc']],
    ['tab\tstays', ['tab\tstays']],
    ['<img src=x onerror=alert(1)>', ['<img src=x onerror=alert(1)>']]
  ];
  for (const [text, lines] of rows) {
    assert.deepEqual(shown(text), lines, JSON.stringify(text));
    // However it is cut into pieces.
    for (let at = 1; at < text.length; at += 1) {
      const cut = shown(text.slice(0, at), text.slice(at));
      assert.deepEqual(cut, lines, `${JSON.stringify(text)} cut at ${at}`);
    }
  }
});

test('a log of any length is kept within bounds, its end at hand', () => {
  const text = new LogText(1000);
  for (let number = 0; number < 5000; number += 1) {
    text.add(`line ${number}\n`);
  }
  const all = text.lines.join('\n').length;
  assert.ok(all <= 1000, String(all));
  assert.equal(text.lines[text.lines.length - 1], 'line 4999');
  assert.equal(text.dropped + text.lines.length, 5000);
});

test('a line without an end is kept within bounds', () => {
  const text = new LogText(1000);
  for (let number = 0; number < 100; number += 1) {
    text.add('x'.repeat(1000));
  }
  assert.ok(text.open.length <= 20_000);
});
