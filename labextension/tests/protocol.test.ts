import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  API,
  COMM_TARGET,
  EVENT_SCHEMA,
  OtherWire,
  WIRE,
  answerOf,
  isChoices,
  isLogPart,
  isRow,
  kernelMessage,
  rowsOf
} from '../src/protocol';
import { wire } from './fixture';

for (const [name, row] of Object.entries(wire.rows)) {
  test(`the ${name} row is one`, () => {
    assert.ok(isRow(row));
  });
}

test('a row without one of its parts, or with another kind of it, is none', () => {
  const row = wire.rows.running as Record<string, unknown>;
  for (const key of Object.keys(row)) {
    const part = Object.fromEntries(
      Object.entries(row).filter(([each]) => each !== key)
    );
    assert.ok(!isRow(part), `without ${key}`);
    assert.ok(!isRow({ ...row, [key]: [/s$/] }), `with another ${key}`);
  }
  assert.ok(!isRow({ ...row, progress: { done: 'much' } }));
  assert.ok(!isRow({ ...row, tasks: { FAILED: 'one' } }));
  assert.ok(!isRow(null));
  assert.ok(!isRow([row]));
});

test('both sides speak of the same version, target and schema', () => {
  assert.equal(wire.wire, WIRE);
  assert.equal(wire.events.schema, EVENT_SCHEMA);
  assert.equal(wire.comm.target, COMM_TARGET);
  assert.equal(API, 'nbsubmit/api');
});

test('all jobs are read, with what is said besides', () => {
  const found = rowsOf(wire.rest.jobs);
  assert.equal(found.rows.length, 2);
  assert.equal(found.remarks.length, 1);
  assert.deepEqual(found.gone, []);
});

test('an event names what has changed and what is gone', () => {
  const found = rowsOf(wire.events.changed);
  assert.equal(found.rows.length, 1);
  assert.equal(found.gone.length, 1);
});

test('a server of another version is told as that', () => {
  const jobs = wire.rest.jobs as Record<string, unknown>;
  assert.throws(() => rowsOf({ ...jobs, wire: 99 }), OtherWire);
  assert.throws(() => rowsOf({ ...jobs, rows: [{}] }), OtherWire);
  assert.throws(() => rowsOf('<html>'), OtherWire);
});

test('logs, choices and answers are read', () => {
  assert.ok(isLogPart(wire.rest.log));
  assert.ok(isLogPart(wire.rest['log of an array']));
  assert.ok(!isLogPart(wire.rest.error));
  assert.ok(isChoices(wire.rest.choices));
  assert.ok(!isChoices(wire.rest.log));
  for (const name of ['cancel', 'resubmit', 'clean', 'error']) {
    assert.ok(answerOf(wire.rest[name]), name);
  }
  assert.equal(answerOf(wire.rest.log), null);
});

test("a kernel's messages are read, and what is none is left alone", () => {
  const { open, ...messages } = wire.comm['to front'];
  for (const [kind, message] of Object.entries(messages)) {
    assert.equal(kernelMessage(message)?.kind, kind);
  }
  assert.equal(kernelMessage(open), null);
  assert.equal(kernelMessage({ kind: 'of another release' }), null);
  assert.equal(kernelMessage(undefined), null);
});
