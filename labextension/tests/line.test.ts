import assert from 'node:assert/strict';
import { test } from 'node:test';

import { changed, edit, isRight, read, type Field } from '../src/fields';
import { OpenQuotation, Options, lineOf, quoted } from '../src/line';

const CPUS = { long: 'cpus-per-task', short: 'c' };
const GPUS = { long: 'gpus', short: 'G' };
const MEMORY = { long: 'mem', short: '' };

const READ: [string, typeof CPUS, string][] = [
  ['-c 4', CPUS, '4'],
  ['-c4', CPUS, '4'],
  ['-c=4', CPUS, '4'],
  ['--cpus-per-task 4', CPUS, '4'],
  ['--cpus-per-task=4', CPUS, '4'],
  ['--cpus-per-task="4"', CPUS, '4'],
  ['-c   4   -G  1', CPUS, '4'],
  ['-c 2 -c 8', CPUS, '8'],
  ['--cpus-per-task-not 4', CPUS, ''],
  ['-C fast', CPUS, ''],
  ['--comment "-c 4"', CPUS, ''],
  ['--wait -c', CPUS, ''],
  ['-c --wait', CPUS, ''],
  ['--setup "module load -c 4" -c 2', CPUS, '2'],
  ["--map x=['-c 4', 'b'] -c 2", CPUS, '2'],
  ['--map=x=[f("-c 4", 1), 2] -c 2', CPUS, '2'],
  ["--map 'x=[1, 2]' -c 2", CPUS, '2'],
  ['-G a100:2', GPUS, 'a100:2'],
  ['-c {n}', CPUS, '{n}'],
  ['-c $n', CPUS, '$n'],
  ['--mem 4G # what it needs', MEMORY, '4G'],
  ['-c 4 # not -c 8', CPUS, '4'],
  ['--mem-per-cpu 4G', MEMORY, ''],
  ['', CPUS, '']
];

for (const [text, names, value] of READ) {
  test(`${JSON.stringify(text)} has ${names.long} ${JSON.stringify(value)}`, () => {
    assert.equal(new Options(text).get(names), value);
  });
}

const WRITTEN: [string, typeof CPUS, string, string][] = [
  ['', CPUS, '4', '--cpus-per-task 4'],
  ['--wait', CPUS, '4', '--wait --cpus-per-task 4'],
  ['-c 2', CPUS, '4', '-c 4'],
  ['-c2', CPUS, '4', '-c4'],
  ['-c=2', CPUS, '4', '-c=4'],
  ['--cpus-per-task=2 --wait', CPUS, '4', '--cpus-per-task=4 --wait'],
  ['-c  2   --as x', CPUS, '4', '-c  4   --as x'],
  ['-c 2 -c 8', CPUS, '4', '-c 2 -c 4'],
  ['-c 2 --as x -c8', CPUS, '', '--as x'],
  ['-c 2 --as x', CPUS, '', '--as x'],
  ['--as x -c 2', CPUS, '', '--as x'],
  ['-c 2', CPUS, '2', '-c 2'],
  ['-c --wait', CPUS, '4', '-c 4 --wait'],
  ["--setup 'a  b' -c 2", CPUS, '3', "--setup 'a  b' -c 3"],
  ['--mem 4G # note', MEMORY, '8G', '--mem 8G # note'],
  ['--mem 4G # note', CPUS, '4', '--mem 4G --cpus-per-task 4 # note'],
  ["# it's", CPUS, '4', "--cpus-per-task 4 # it's"],
  ['-c 4 # note', CPUS, '', '# note'],
  ['--comment a#b', CPUS, '4', '--comment a#b --cpus-per-task 4'],
  ["--mem '4 G'", MEMORY, '8 G', "--mem '8 G'"]
];

for (const [text, names, value, expected] of WRITTEN) {
  test(`${JSON.stringify(text)} with ${names.long} ${JSON.stringify(value)}`, () => {
    const found = new Options(text).set(names, value);
    assert.equal(found.text, expected);
    assert.equal(found.get(names), value);
  });
}

test('a value is quoted where it has to be', () => {
  assert.equal(quoted('a100:2'), 'a100:2');
  assert.equal(quoted('{n}'), '{n}');
  assert.equal(quoted('two words'), "'two words'");
  assert.equal(quoted("it's"), `'it'"'"'s'`);
  assert.equal(quoted('one\ntwo'), "'one two'");
  for (const value of ['two words', "it's", 'a"b', 'a\\b', '#4', ';x', '*']) {
    const line = new Options('').set(MEMORY, value);
    assert.equal(line.get(MEMORY), value);
  }
});

test('a quotation without an end is said, not guessed', () => {
  assert.throws(() => new Options("--setup 'module load"), OpenQuotation);
  assert.throws(() => new Options('--map x=["a'), OpenQuotation);
});

test('the line of a cell is found where IPython looks for it', () => {
  assert.deepEqual(lineOf('%%slurm -c 4\na = 1'), {
    magic: 'slurm',
    options: '-c 4',
    start: 0,
    end: 12,
    above: '',
    below: ''
  });
  assert.equal(lineOf('\n\n  %%local\na')?.magic, 'local');
  assert.equal(lineOf('%%submit   -c 4  ')?.options, '-c 4');
  assert.equal(lineOf('%%slurm')?.options, '');
  assert.equal(lineOf('%%time\n\n%%slurm -c 4\n1')?.options, '-c 4');
  assert.equal(lineOf('%%capture out\n%%local\n1')?.magic, 'local');
  assert.equal(lineOf('# a\n\n  # b\n%%slurm -c 4')?.options, '-c 4');
  for (const source of [
    'a = 1',
    '%%slurmx',
    '%slurm',
    'x\n%%slurm',
    '# a\nx = 1\n%%slurm',
    '%%bash\n%%slurm',
    '%%timer\n%%slurm',
    '# %%slurm',
    ''
  ]) {
    assert.equal(lineOf(source), null);
  }
});

function after(source: string, values: Partial<Record<Field, string>>): string {
  const request = read(source);
  const { start, end, text } = edit(
    source,
    changed(request, { ...request.values, ...values })
  );
  return source.slice(0, start) + text + source.slice(end);
}

test('a plain cell becomes a job', () => {
  assert.equal(
    after('a = 1\n', { gpus: '1', time: '2h' }),
    '%%slurm --gpus 1 --time 2h\na = 1\n'
  );
  assert.equal(after('%%time\na', {}), '%%slurm\n%%time\na');
  assert.equal(after('', {}), '%%slurm\n');
});

test("a job's line keeps all that the form does not know", () => {
  const source = `\n%%slurm -c4 --as "x" --map y=[1, 2] --exclusive  -t 1h\nbody -c 9\n`;
  assert.equal(after(source, {}), source);
  assert.equal(
    after(source, { cpus: '8', time: '', memory: '2G' }),
    `\n%%slurm -c8 --as "x" --map y=[1, 2] --exclusive  --mem 2G\nbody -c 9\n`
  );
});

test('a line that IPython does not find is changed and put where it does', () => {
  assert.equal(
    after('# note\n\n%%slurm -c 4 # few\nbody\n', { cpus: '8', time: '2h' }),
    '%%slurm -c 8 --time 2h # few\n# note\nbody\n'
  );
  assert.equal(
    after('# note\n%%time\n  # more\n  %%local\nbody', { cpus: '8' }),
    '%%time\n%%local --cpus-per-task 8\n# note\n  # more\nbody'
  );
  assert.equal(
    after('%%time\n%%slurm\nbody', { cpus: '8' }),
    '%%time\n%%slurm --cpus-per-task 8\nbody'
  );
  assert.equal(
    after('\n  %%slurm -c 4\nbody', { cpus: '8' }),
    '\n%%slurm -c 8\nbody'
  );
});

test('a cell without a body after its line keeps being one', () => {
  assert.equal(after('%%local', { cpus: '2' }), '%%local --cpus-per-task 2');
});

test('values that nbsubmit would refuse are told', () => {
  const right: [Field, string][] = [
    ['cpus', '4'],
    ['cpus', '08'],
    ['cpus', '{n}'],
    ['cpus', ''],
    ['gpus', 'a100:2'],
    ['gpus', '0'],
    ['gpus', 'a100'],
    ['gpus', 'a100:2,h100'],
    ['memory', '4G'],
    ['memory', '1.5 GiB'],
    ['time', '90m'],
    ['time', '1d12h'],
    ['time', '2-03:00:00'],
    ['time', '30'],
    ['time', 'UNLIMITED'],
    ['time', 'infinite'],
    ['partition', 'a,b']
  ];
  const wrong: [Field, string][] = [
    ['cpus', '0'],
    ['cpus', 'four'],
    ['gpus', '1.5'],
    ['gpus', 'a100:x'],
    ['gpus', 'a100,'],
    ['memory', 'much'],
    ['time', '2 hours'],
    ['time', 'h'],
    ['partition', '-p']
  ];
  for (const [field, value] of right) {
    assert.ok(isRight(field, value), `${field} ${value}`);
  }
  for (const [field, value] of wrong) {
    assert.ok(!isRight(field, value), `${field} ${value}`);
  }
});
