/** The examples that Python is held to as well. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IRow } from '../src/protocol';

interface IWire {
  readonly wire: number;
  readonly rows: Readonly<Record<string, unknown>>;
  readonly rest: Readonly<Record<string, unknown>>;
  readonly events: { readonly schema: string; readonly changed: unknown };
  readonly comm: {
    readonly target: string;
    readonly 'to front': Readonly<Record<string, unknown>>;
    readonly 'to kernel': Readonly<Record<string, Record<string, unknown>>>;
  };
}

const FILE = join(__dirname, '../../../tests/contract/wire.json');

export const wire = JSON.parse(readFileSync(FILE, 'utf8')) as IWire;

/** Return a job that runs, with some things different. */
export function row(part: Partial<IRow> = {}): IRow {
  return { ...(wire.rows.running as IRow), ...part };
}
