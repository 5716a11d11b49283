/** Which ends of jobs are told to somebody who looks elsewhere. */

import { keyOf } from './model';
import type { IRow } from './protocol';

/** Where notifications are shown. */
export interface IBoard<T> {
  has(id: string): boolean;
  show(what: T): string;
  update(id: string, what: T): void;
}

/** One notification for each job, however often it ends. */
export class News<T> {
  /**
   * @param board - Where they are shown.
   * @param words - What is said of a job.
   */
  constructor(
    private readonly board: IBoard<T>,
    private readonly words: (row: IRow) => T
  ) {}

  /** How many seconds a job has to have taken to be told, waiting included; null for none. */
  minimumSeconds: number | null = null;

  tell(ended: readonly IRow[]): void {
    for (const row of ended) {
      if (this.minimumSeconds === null || took(row) < this.minimumSeconds) {
        continue;
      }
      const key = keyOf(row);
      const id = this.#shown.get(key);
      if (id !== undefined && this.board.has(id)) {
        this.board.update(id, this.words(row));
      } else {
        this.#shown.set(key, this.board.show(this.words(row)));
      }
    }
  }

  readonly #shown = new Map<string, string>();
}

/** Return how long somebody has waited for a job. */
export function took(row: IRow): number {
  const waited = row.ended === null ? 0 : row.ended - row.sent;
  return Math.max(row.seconds, waited);
}
