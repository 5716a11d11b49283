/** What the form asks for, and where each stands on a cell's line. */

import { type INames, type Magic, Options, lineOf, written } from './line';

export const FIELDS = {
  profile: { long: 'profile', short: '' },
  partition: { long: 'partition', short: 'p' },
  gpus: { long: 'gpus', short: 'G' },
  cpus: { long: 'cpus-per-task', short: 'c' },
  memory: { long: 'mem', short: '' },
  time: { long: 'time', short: 't' }
} as const satisfies Record<string, INames>;

export type Field = keyof typeof FIELDS;
export const NAMES = Object.keys(FIELDS) as Field[];

/** What a cell asks for. */
export interface IRequest {
  readonly magic: Magic;
  readonly values: Readonly<Record<Field, string>>;
  /** All that stands on the line. */
  readonly options: string;
}

/** Return what a cell asks for; throw `OpenQuotation` if nobody can tell. */
export function read(source: string): IRequest {
  const line = lineOf(source);
  const options = new Options(line?.options ?? '');
  const values = Object.fromEntries(
    NAMES.map(name => [name, options.get(FIELDS[name])])
  ) as Record<Field, string>;
  return { magic: line?.magic ?? 'slurm', values, options: options.text };
}

/** Return a request with some values of the form; what else is on the line stays as it is. */
export function changed(
  request: IRequest,
  values: Readonly<Record<Field, string>>,
  magic: Magic = request.magic
): IRequest {
  const options = NAMES.reduce(
    (line, name) => line.set(FIELDS[name], values[name].trim()),
    new Options(request.options)
  );
  return { magic, values, options: options.text };
}

/** A change of a text: what stands from one place to another becomes something else. */
export interface IEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Return how a cell's text is to be changed for it to ask for this. */
export function edit(source: string, request: IRequest): IEdit {
  const line = lineOf(source);
  const text = written(request.magic, request.options);
  return line
    ? { ...line, text: line.above + text + line.below }
    : { start: 0, end: 0, text: `${text}\n` };
}

const NUMBER = /^0*[1-9]\d*$/;
const GPUS = /^(?:(?:(?:[\w.-]+:)*\d+|[a-z][\w.-]*)(?:,(?!$)|$))+$/i;
const SIZE = /^\d+(?:\.\d+)?\s*[KMGT]?(?:i?B)?$/i;
const LETTERED = /^(?=.*\d)(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?$/i;
const COLONS = /^(?:\d+-)?\d+(?::\d+){0,2}$|^unlimited$|^infinite$/i;
/** IPython puts a variable's value here. */
const VARIABLE = /[{$]/;

/** Return whether a value can be what the field is for; empty ones are left to the defaults. */
export function isRight(field: Field, value: string): boolean {
  const text = value.trim();
  if (!text || VARIABLE.test(text)) {
    return true;
  }
  switch (field) {
    case 'cpus':
      return NUMBER.test(text);
    case 'gpus':
      return GPUS.test(text);
    case 'memory':
      return SIZE.test(text);
    case 'time':
      return LETTERED.test(text) || COLONS.test(text);
    default:
      return !text.startsWith('-');
  }
}
