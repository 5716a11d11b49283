/** States and times in words. */

import type { IProgress, IRow } from './protocol';

/** What the colour of a state says. */
export type Mood = 'waiting' | 'going' | 'good' | 'bad';

const MOODS: Readonly<Record<string, Mood>> = {
  PENDING: 'waiting',
  SUSPENDED: 'waiting',
  RUNNING: 'going',
  COMPLETED: 'good'
};

export function mood(state: string): Mood {
  return MOODS[state] ?? 'bad';
}

/** Return a state as a word in a sentence: `OUT_OF_MEMORY` is "out of memory". */
export function word(state: string): string {
  return state.toLowerCase().replace(/_/g, ' ');
}

/** Return a duration in its two largest units: "2 h 5 min", "1 min 3 s". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const units: [number, string][] = [
    [Math.floor(whole / 86400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's']
  ];
  const first = units.findIndex(([count]) => count > 0);
  if (first < 0) {
    return '0 s';
  }
  return units
    .slice(first, first + 2)
    .filter(([count], place) => place === 0 || count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/**
 * Return how long a job has run.
 *
 * @param row - The job.
 * @param now - Seconds since 1970.
 * @param told - When the row was told, likewise. The node's clock may be wrong, so that its
 * start is no measure; what was told and the time since then are.
 */
export function elapsed(row: IRow, now: number, told: number): number {
  const runs = row.live && row.started !== null && row.state === 'RUNNING';
  return runs ? row.seconds + Math.max(0, now - told) : row.seconds;
}

/** Return how far something is, from 0 to 1; null where nobody knows. */
export function fraction(progress: IProgress): number | null {
  const { done, total } = progress;
  if (total === null || total <= 0) {
    return null;
  }
  return Math.min(1, Math.max(0, done / total));
}

/** Return a path's last part. */
export function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Return the end of a job's id, by which people know it. */
export function shortId(id: string): string {
  return id.slice(id.lastIndexOf('-') + 1);
}

/** Return what an error says. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Return a size in bytes as people write it. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit] ?? ''}`;
}
