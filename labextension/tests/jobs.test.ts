import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { Signal } from '@lumino/signaling';
import { Jobs } from '../src/jobs';
import { JobsModel } from '../src/model';
import { News } from '../src/news';
import {
  type Action,
  type IChoices,
  type ILogPart,
  type IRow,
  type IRows,
  type KernelMessage,
  WIRE
} from '../src/protocol';
import type { IKernel, IServer } from '../src/tokens';
import { row } from './fixture';

const LIVE = row({ id: 'a', state: 'RUNNING', live: true });
const ENDED = row({ id: 'a', state: 'COMPLETED', live: false });

function model(): [JobsModel, string[]] {
  const model = new JobsModel(() => 7);
  const ended: string[] = [];
  model.changed.connect((_, change) => {
    ended.push(...change.ended.map(each => each.id));
  });
  return [model, ended];
}

test('a job that was seen alive and ends is told once', () => {
  const [jobs, ended] = model();
  jobs.tell('server', [LIVE], true);
  jobs.tell('server', [ENDED], true);
  jobs.tell('kernel', [ENDED], true);
  assert.deepEqual(ended, ['a']);
});

test('the state of things as it was found ends no job', () => {
  const [jobs, ended] = model();
  jobs.tell('server', [ENDED], true);
  jobs.tell('kernel', [LIVE], false);
  jobs.tell('kernel', [ENDED], false);
  assert.deepEqual(ended, []);
  jobs.tell('server', [ENDED], true);
  assert.deepEqual(ended, ['a']);
});

test('a job that is run again and ends again is told again', () => {
  const [jobs, ended] = model();
  for (const each of [LIVE, ENDED, LIVE, ENDED]) {
    jobs.tell('server', [each], true);
  }
  assert.deepEqual(ended, ['a', 'a']);
});

test('what a source no longer names is gone', () => {
  const [jobs] = model();
  jobs.tellAll('server', [LIVE, row({ id: 'b' })], true);
  jobs.tellAll('server', [LIVE], true);
  assert.deepEqual(
    jobs.rows.map(each => each.id),
    ['a']
  );
  jobs.gone(['a']);
  assert.equal(jobs.rows.length, 0);
});

test('what only a kernel has told goes with it, what the server knows stays', () => {
  const [jobs] = model();
  jobs.tell('kernel', [LIVE, row({ id: 'b' })], false);
  jobs.tellAll('server', [LIVE], false);
  jobs.forget('kernel');
  assert.deepEqual(
    jobs.rows.map(each => each.id),
    ['a']
  );
});

test('the path that the server knows outlasts what a kernel tells', () => {
  const [jobs] = model();
  jobs.tell('server', [LIVE], false);
  jobs.tell('kernel', [{ ...ENDED, path: null }], true);
  assert.equal(jobs.rows[0]?.path, LIVE.path);
  assert.equal(jobs.rows[0].state, 'COMPLETED');
});

test('a notebook that has another name keeps its jobs, whatever the server called it', () => {
  const [jobs] = model();
  const sent = row({ id: 'a', cell: 'c', path: 'x.ipynb' });
  jobs.tell('server', [sent], false);
  jobs.moved('x.ipynb', 'y.ipynb');
  jobs.tell('server', [sent], true);
  assert.equal(jobs.rows[0]?.path, 'y.ipynb');
  assert.equal(jobs.ofCells('y.ipynb').get('c')?.id, 'a');
  assert.equal(jobs.ofCells('x.ipynb').size, 0);
  jobs.tell('kernel', [{ ...sent, path: 'z.ipynb' }], true);
  jobs.tell('server', [sent], true);
  assert.equal(jobs.rows[0].path, 'z.ipynb');
});

test('of a job whose notebook is nowhere the cell is known by its id', () => {
  const [jobs] = model();
  jobs.tell('server', [row({ id: 'a', cell: 'c', path: null })], false);
  assert.equal(jobs.ofCells('y.ipynb').get('c')?.id, 'a');
});

test('a cell has its last job, in its own notebook only', () => {
  const [jobs] = model();
  jobs.tell(
    'server',
    [
      row({ id: 'new', cell: 'c', path: 'x.ipynb', sent: 2 }),
      row({ id: 'old', cell: 'c', path: 'x.ipynb', sent: 1 }),
      row({ id: 'copy', cell: 'c', path: 'y.ipynb', sent: 3 })
    ],
    true
  );
  assert.equal(jobs.ofCells('x.ipynb').get('c')?.id, 'new');
  assert.equal(jobs.ofCells('y.ipynb').get('c')?.id, 'copy');
  assert.equal(jobs.ofCells('z.ipynb').size, 0);
});

test('jobs that wait and those that run are counted', () => {
  const [jobs] = model();
  jobs.tell(
    'server',
    [
      row({ id: '1', state: 'PENDING', live: true }),
      row({ id: '2', state: 'RUNNING', live: true }),
      row({ id: '3', state: 'SUSPENDED', live: true }),
      row({ id: '4', state: 'FAILED', live: false })
    ],
    true
  );
  assert.deepEqual(jobs.counts, { running: 2, pending: 1 });
});

test('a notification is one for each job, and short jobs have none', () => {
  const shown: string[] = [];
  let ids = 0;
  const news = new News<string>(
    {
      has: () => true,
      show: what => {
        shown.push(`show ${what}`);
        ids += 1;
        return String(ids);
      },
      update: (id, what) => shown.push(`update ${id} ${what}`)
    },
    each => `${each.id} ${each.state}`
  );
  const long = row({ id: 'a', state: 'TIMEOUT', seconds: 90, ended: null });
  news.tell([long]);
  assert.deepEqual(shown, []);
  news.minimumSeconds = 60;
  news.tell([{ ...long, seconds: 59 }]);
  assert.deepEqual(shown, []);
  news.tell([long]);
  news.tell([{ ...long, state: 'COMPLETED' }]);
  const waited = { ...long, id: 'b', seconds: 1, sent: 0, ended: 100 };
  news.tell([waited]);
  assert.deepEqual(shown, [
    'show a TIMEOUT',
    'update 1 a COMPLETED',
    'show b TIMEOUT'
  ]);
});

class Absent extends Error {}

/** A server that says what a test has it say. */
class Server implements IServer {
  rows: IRow[] = [];
  error: Error | null = null;
  looks = 0;
  readonly done: string[] = [];

  jobs(): Promise<IRows> {
    this.looks += 1;
    return this.error
      ? Promise.reject(this.error)
      : Promise.resolve({ rows: this.rows, gone: [], remarks: ['a remark'] });
  }

  act(action: Action, { id }: IRow): Promise<string> {
    this.done.push(`${action} ${id}`);
    return Promise.resolve('the server did it');
  }

  log(): Promise<ILogPart> {
    return Promise.reject(new Error('not asked for here'));
  }

  choices(): Promise<IChoices> {
    return Promise.reject(new Error('not asked for here'));
  }
}

class Kernel implements IKernel {
  readonly source = 'comm:1';
  readonly path = 'project/work.ipynb';
  isOpen = true;
  readonly sent: Readonly<Record<string, string>>[] = [];
  readonly said = new Signal<this, KernelMessage>(this);
  readonly closed = new Signal<this, void>(this);

  owns(each: IRow): boolean {
    return each.path === this.path;
  }

  send(message: Readonly<Record<string, string>>): void {
    this.sent.push(message);
  }
}

const opened: Jobs[] = [];

afterEach(() => opened.splice(0).forEach(each => each.dispose()));

function jobs(server: Server): Jobs {
  const all = new Jobs({
    server,
    isAbsence: error => error instanceof Absent,
    now: () => 7,
    seconds: 15,
    words: { nobody: 'nobody can' }
  });
  opened.push(all);
  return all;
}

/** A page without the server's part, and a kernel of it that knows of a job. */
async function ofKernel(): Promise<[Jobs, Kernel]> {
  const server = new Server();
  server.error = new Absent();
  const all = jobs(server);
  await all.refresh();
  const kernel = new Kernel();
  all.add(kernel);
  kernel.said.emit({ kind: 'snapshot', rows: [LIVE], gone: [] });
  return [all, kernel];
}

test('without the server a kernel tells and acts, and nobody asks twice', async () => {
  const server = new Server();
  server.error = new Absent();
  const all = jobs(server);
  await all.refresh();
  await all.refresh();
  assert.equal(all.serving, 'absent');
  assert.equal(server.looks, 1);
  assert.equal(all.hasLogs, false);
  assert.equal(await all.choices(), null);
  assert.equal(all.can('cancel', LIVE), false);

  const kernel = new Kernel();
  all.add(kernel);
  assert.equal(kernel.sent[0]?.kind, 'snapshot');
  kernel.said.emit({ kind: 'snapshot', rows: [LIVE], gone: [] });
  assert.equal(all.model.rows.length, 1);
  assert.ok(all.can('cancel', LIVE));
  assert.ok(all.can('clean', { ...ENDED, can: ['clean'] }));
  const answer = all.act('cancel', LIVE);
  const number = kernel.sent[1]?.number ?? '';
  kernel.said.emit({
    kind: 'reply',
    to: 'another page',
    ok: true,
    message: ''
  });
  kernel.said.emit({ kind: 'reply', to: number, ok: true, message: 'done' });
  assert.equal(await answer, 'done');
  const refused = all.act('attach', LIVE);
  const next = kernel.sent[2]?.number ?? '';
  assert.notEqual(next, number);
  kernel.said.emit({ kind: 'reply', to: next, ok: false, message: 'no' });
  await assert.rejects(refused, /no/);
  assert.ok(all.isLoaded(kernel.path));
  kernel.closed.emit();
  assert.equal(all.model.rows.length, 0);
  await assert.rejects(all.act('cancel', LIVE), /nobody can/);
});

test('a kernel that does not answer is asked again by the same number', async context => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const [all, kernel] = await ofKernel();
  const asked = all.act('attach', LIVE);
  context.mock.timers.tick(3000);
  const [, first, second] = kernel.sent;
  assert.ok(first?.number);
  assert.deepEqual(first, second);
  kernel.said.emit({ kind: 'reply', to: first.number, ok: true, message: '' });
  await asked;
  context.mock.timers.tick(60_000);
  assert.equal(kernel.sent.length, 3);
  kernel.said.emit({ kind: 'event', rows: [], gone: [LIVE.id] });
  assert.equal(all.model.rows.length, 0);
});

test('what is asked of a kernel that goes away is answered', async () => {
  const [all, kernel] = await ofKernel();
  const asked = all.act('attach', LIVE);
  kernel.closed.emit();
  await assert.rejects(asked, /nobody can/);
});

test('without a kernel the server tells and acts; only names need a kernel', async () => {
  const server = new Server();
  server.rows = [LIVE];
  const all = jobs(server);
  await all.refresh();
  assert.equal(all.serving, 'there');
  assert.deepEqual(all.remarks, ['a remark']);
  assert.ok(all.can('cancel', LIVE));
  assert.ok(!all.can('attach', LIVE));
  assert.equal(await all.act('cancel', LIVE), 'the server did it');
  assert.deepEqual(server.done, ['cancel a']);
});

test('what a kernel alone has told is asked of the server when the kernel goes', async () => {
  const server = new Server();
  const all = jobs(server);
  await all.refresh();
  const kernel = new Kernel();
  all.add(kernel);
  kernel.said.emit({ kind: 'snapshot', rows: [ENDED], gone: [] });
  server.rows = [ENDED];
  kernel.closed.emit();
  await new Promise(setImmediate);
  assert.deepEqual(
    all.model.rows.map(each => each.id),
    ['a']
  );
});

test('a server that was there and is not found is taken for one that fails', async () => {
  const server = new Server();
  const all = jobs(server);
  await all.refresh();
  server.error = new Absent('not found');
  await all.refresh();
  assert.equal(all.serving, 'failing');
  server.error = null;
  await all.refresh();
  assert.equal(all.serving, 'there');
});

test('a server that fails is told, and asked again', async () => {
  const server = new Server();
  server.error = new Error('disk is gone');
  const all = jobs(server);
  await all.refresh();
  assert.equal(all.serving, 'failing');
  assert.equal(all.trouble, 'disk is gone');
  server.error = null;
  await all.refresh();
  assert.equal(all.serving, 'there');
  all.heard({ wire: WIRE + 1, rows: [] });
  assert.equal(all.serving, 'failing');
});

test('there is a timer while somebody looks or a job lives, and at no other time', async context => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const server = new Server();
  server.rows = [ENDED];
  const all = jobs(server);
  const after = async (ms: number): Promise<number> => {
    const before = server.looks;
    context.mock.timers.tick(ms);
    await turns();
    return server.looks - before;
  };
  await all.refresh();
  assert.equal(await after(3_600_000), 0, 'nobody looks, nothing lives');

  const watching = all.watch();
  await turns();
  assert.ok((await after(16_000)) > 0, 'somebody looks');
  watching.dispose();
  await turns();
  await after(16_000);
  assert.equal(await after(3_600_000), 0, 'nobody looks any more');

  all.heard({ wire: WIRE, rows: [LIVE] });
  server.rows = [LIVE];
  await turns();
  await after(16_000);
  assert.ok((await after(16_000)) > 0, 'a job lives');
  server.rows = [ENDED];
  await after(16_000);
  await after(16_000);
  assert.equal(await after(3_600_000), 0, 'it has ended');
});

/** Let all that waits for nothing but its turn go on. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) {
    await Promise.resolve();
  }
}
