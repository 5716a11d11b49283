/**
 * What Python and the browser tell each other.
 *
 * The twin of `nbsubmit/client/wire.py` and `messages.py`; both are held to `tests/contract/wire.json`.
 */

/** Changes when one side could not read what the other sends. */
export const WIRE = 1;

export const API = 'nbsubmit/api';
export const EVENT_SCHEMA = 'urn:nbsubmit:jobs';
export const COMM_TARGET = 'nbsubmit.jobs';

export type Action = 'cancel' | 'resubmit' | 'clean' | 'attach';
export type Stream = 'stdout' | 'stderr';

export interface IProgress {
  readonly done: number;
  readonly total: number | null;
  readonly text: string;
}

/** One job. Times are seconds since 1970. */
export interface IRow {
  readonly id: string;
  readonly store: string;
  readonly name: string;
  readonly backend: string;
  /** The scheduler's id. */
  readonly handle: string;
  readonly state: string;
  readonly live: boolean;
  readonly reason: string;
  readonly advice: string;
  readonly node: string;
  readonly sent: number;
  readonly started: number | null;
  readonly ended: number | null;
  /** How long it has run, when this was told. */
  readonly seconds: number;
  readonly progress: IProgress | null;
  /** How many tasks are in which state; empty for what is no array. */
  readonly tasks: Readonly<Record<string, number>>;
  readonly notebook: string | null;
  /** The notebook as the contents API names it; null if it lies outside. */
  readonly path: string | null;
  readonly cell: string | null;
  /** What makes sense now. */
  readonly can: readonly Action[];
}

export interface IRows {
  readonly rows: readonly IRow[];
  /** Ids of jobs that were removed. */
  readonly gone: readonly string[];
  /** What else a person should know. */
  readonly remarks: readonly string[];
}

/** A piece of a log, by bytes. */
export interface ILogPart {
  readonly text: string;
  readonly offset: number;
  readonly next: number;
  readonly size: number;
  readonly live: boolean;
  /** Of which task it is; empty for a job that is no array. */
  readonly task: string;
  readonly tasks: readonly string[];
}

export interface IPartition {
  readonly name: string;
  readonly default: boolean;
  readonly up: boolean;
  /** Its longest time; empty where there is no limit. */
  readonly time: string;
  readonly cpus: number;
  /** In MiB. */
  readonly memory: number;
  readonly gres: readonly string[];
}

/** What a cell can ask for here. */
export interface IChoices {
  readonly partitions: readonly IPartition[];
  readonly gres: readonly string[];
  readonly profiles: readonly { readonly name: string }[];
  readonly remarks: readonly string[];
}

/** What a kernel says. */
export type KernelMessage =
  | {
      readonly kind: 'snapshot' | 'event';
      readonly rows: readonly IRow[];
      readonly gone: readonly string[];
    }
  | {
      readonly kind: 'reply';
      readonly to: string;
      readonly ok: boolean;
      readonly message: string;
    };

type Fields = Record<string, unknown>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isListOf<T>(
  value: unknown,
  isOne: (value: unknown) => value is T
): value is T[] {
  return Array.isArray(value) && value.every(isOne);
}

const TEXTS = [
  'id',
  'store',
  'name',
  'backend',
  'handle',
  'state',
  'reason',
  'advice',
  'node'
];
const NUMBERS = ['sent', 'seconds'];
const MAYBE_NUMBERS = ['started', 'ended'];
const MAYBE_TEXTS = ['notebook', 'path', 'cell'];

function isProgress(value: unknown): value is IProgress {
  return (
    isObject(value) &&
    isNumber(value.done) &&
    (value.total === null || isNumber(value.total)) &&
    isText(value.text)
  );
}

export function isRow(value: unknown): value is IRow {
  return (
    isObject(value) &&
    TEXTS.every(key => isText(value[key])) &&
    NUMBERS.every(key => isNumber(value[key])) &&
    MAYBE_NUMBERS.every(key => value[key] === null || isNumber(value[key])) &&
    MAYBE_TEXTS.every(key => value[key] === null || isText(value[key])) &&
    typeof value.live === 'boolean' &&
    (value.progress === null || isProgress(value.progress)) &&
    isObject(value.tasks) &&
    Object.values(value.tasks).every(isNumber) &&
    isListOf(value.can, isText)
  );
}

/** The other side is of another release. */
export class OtherWire extends Error {
  override name = 'OtherWire';
}

/** Return the rows of a message; throw what can be shown if it is none of ours. */
export function rowsOf(value: unknown): IRows {
  if (!isObject(value)) {
    throw new OtherWire('not a message of nbsubmit');
  }
  if (value.wire !== WIRE || !isListOf(value.rows, isRow)) {
    throw new OtherWire(
      `nbsubmit speaks version ${String(value.wire)} there and ${WIRE} here`
    );
  }
  return {
    rows: value.rows,
    gone: isListOf(value.gone, isText) ? value.gone : [],
    remarks: isListOf(value.remarks, isText) ? value.remarks : []
  };
}

export function isLogPart(value: unknown): value is ILogPart {
  return (
    isObject(value) &&
    isText(value.text) &&
    isNumber(value.offset) &&
    isNumber(value.next) &&
    isNumber(value.size) &&
    typeof value.live === 'boolean' &&
    isText(value.task) &&
    isListOf(value.tasks, isText)
  );
}

function isNamed(value: unknown): value is { name: string } {
  return isObject(value) && isText(value.name);
}

function isPartition(value: unknown): value is IPartition {
  return (
    isObject(value) &&
    isText(value.name) &&
    typeof value.default === 'boolean' &&
    typeof value.up === 'boolean' &&
    isText(value.time) &&
    isNumber(value.cpus) &&
    isNumber(value.memory) &&
    isListOf(value.gres, isText)
  );
}

export function isChoices(value: unknown): value is IChoices {
  return (
    isObject(value) &&
    isListOf(value.partitions, isPartition) &&
    isListOf(value.gres, isText) &&
    isListOf(value.profiles, isNamed) &&
    isListOf(value.remarks, isText)
  );
}

/** Return an answer of the server or its error, in words; null for what is neither. */
export function answerOf(value: unknown): string | null {
  return isObject(value) && isText(value.message) ? value.message : null;
}

/** Return a kernel's message; null for what another release may mean. */
export function kernelMessage(value: unknown): KernelMessage | null {
  if (!isObject(value)) {
    return null;
  }
  const { kind, to, ok, message } = value;
  if (kind === 'snapshot' || kind === 'event') {
    const { rows, gone } = rowsOf(value);
    return { kind, rows, gone };
  }
  const isReply = isText(to) && typeof ok === 'boolean' && isText(message);
  return kind === 'reply' && isReply ? { kind, to, ok, message } : null;
}
