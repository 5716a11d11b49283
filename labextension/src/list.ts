/** Which jobs are listed, in which order, under which headings. */

import { word } from './format';
import type { IRow } from './protocol';

export type Grouping = 'none' | 'notebook' | 'state';

export interface IGroup {
  /** What is common to its rows; empty if nothing is. */
  readonly key: string;
  readonly rows: readonly IRow[];
}

/** Return whether each word of a filter stands somewhere in a row. */
export function matches(row: IRow, filter: string): boolean {
  const text = [
    row.id,
    row.name,
    row.state,
    word(row.state),
    row.path ?? row.notebook ?? '',
    row.node,
    row.handle,
    row.backend,
    row.reason
  ]
    .join('\n')
    .toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every(part => text.includes(part));
}

/** Return rows as they are listed: live ones first, then the latest. */
export function ordered(rows: Iterable<IRow>): IRow[] {
  return [...rows].sort(
    (one, other) =>
      Number(other.live) - Number(one.live) ||
      other.sent - one.sent ||
      other.id.localeCompare(one.id)
  );
}

/** Return ordered rows in groups, each where its first row would stand. */
export function grouped(rows: readonly IRow[], by: Grouping): IGroup[] {
  if (by === 'none') {
    return rows.length ? [{ key: '', rows }] : [];
  }
  const found = new Map<string, IRow[]>();
  for (const row of rows) {
    const key = by === 'state' ? row.state : (row.path ?? row.notebook ?? '');
    found.set(key, [...(found.get(key) ?? []), row]);
  }
  return [...found].map(([key, rows]) => ({ key, rows }));
}
