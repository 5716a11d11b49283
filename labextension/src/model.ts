/**
 * The jobs that this page knows of. It knows no DOM, no server and no kernel: who hears of jobs
 * tells it, who shows them listens.
 */

import { ISignal, Signal } from '@lumino/signaling';
import type { IRow } from './protocol';

/** A job, and when it was last told of, in seconds since 1970. */
export interface IKnown {
  readonly row: IRow;
  readonly told: number;
}

/** Who tells what stands in job folders. */
export const SERVER = 'server';

/** Return what a job is known by. */
export function keyOf(row: IRow): string {
  return `${row.store}/${row.id}`;
}

export interface IChange {
  /** Jobs that have just ended, having been seen alive by this page. */
  readonly ended: readonly IRow[];
}

export class JobsModel {
  /**
   * @param now - Seconds since 1970.
   */
  constructor(private readonly now: () => number) {}

  /** Something is different from what it was. */
  get changed(): ISignal<this, IChange> {
    return this.#changed;
  }

  get known(): ReadonlyMap<string, IKnown> {
    return this.#known;
  }

  get rows(): IRow[] {
    return [...this.#known.values()].map(each => each.row);
  }

  /** Whether anything may still change by itself. */
  get isLive(): boolean {
    return this.rows.some(row => row.live);
  }

  /** Jobs that run, and those that wait. */
  get counts(): { running: number; pending: number } {
    const live = this.rows.filter(row => row.live);
    const pending = live.filter(row => row.state === 'PENDING').length;
    return { running: live.length - pending, pending };
  }

  /**
   * Return the last job that each cell of a notebook sent. Of jobs whose notebook is nowhere, as
   * it has another name now, cells are known by their ids alone.
   */
  ofCells(path: string): Map<string, IRow> {
    const found = new Map<string, IRow>();
    for (const { row } of this.#known.values()) {
      if (row.cell !== null && (row.path ?? path) === path) {
        const before = found.get(row.cell);
        if (before === undefined || row.sent >= before.sent) {
          found.set(row.cell, row);
        }
      }
    }
    return found;
  }

  /**
   * Take in what a source says of some jobs.
   *
   * @param source - Who says it.
   * @param rows - The jobs.
   * @param isNews - Whether it is said because it has just happened. The state of things as it
   * was found ends no job anew.
   */
  tell(source: string, rows: Iterable<IRow>, isNews: boolean): void {
    const ended: IRow[] = [];
    for (const row of rows) {
      const key = keyOf(row);
      const before = this.#known.get(key)?.row;
      const path = pathOf(row, before, source);
      this.#known.set(key, { row: { ...row, path }, told: this.now() });
      this.#sources.set(key, (this.#sources.get(key) ?? new Set()).add(source));
      if (row.live) {
        this.#seenAlive.add(key);
      } else if (isNews && this.#seenAlive.delete(key)) {
        ended.push(row);
      }
    }
    this.#changed.emit({ ended });
  }

  /** Take in all jobs that a source knows: what it knew before and does not name is gone. */
  tellAll(source: string, rows: readonly IRow[], isNews: boolean): void {
    const now = new Set(rows.map(keyOf));
    for (const [key, sources] of this.#sources) {
      if (sources.has(source) && !now.has(key)) {
        this.#remove(key);
      }
    }
    this.tell(source, rows, isNews);
  }

  /** Take in that jobs were removed. */
  gone(ids: readonly string[]): void {
    for (const [key, { row }] of this.#known) {
      if (ids.includes(row.id)) {
        this.#remove(key);
      }
    }
    this.#changed.emit({ ended: [] });
  }

  /** A notebook has another name. */
  moved(from: string, to: string): void {
    for (const [key, { row, told }] of this.#known) {
      if (row.path === from) {
        this.#known.set(key, { row: { ...row, path: to }, told });
      }
    }
    this.#changed.emit({ ended: [] });
  }

  /** A source is no more: nobody vouches for what it alone has told. */
  forget(source: string): void {
    for (const [key, sources] of this.#sources) {
      if (sources.delete(source) && !sources.size) {
        this.#remove(key);
      }
    }
    this.#changed.emit({ ended: [] });
  }

  #remove(key: string): void {
    this.#known.delete(key);
    this.#sources.delete(key);
    this.#seenAlive.delete(key);
  }

  readonly #known = new Map<string, IKnown>();
  readonly #sources = new Map<string, Set<string>>();
  readonly #seenAlive = new Set<string>();
  readonly #changed = new Signal<this, IChange>(this);
}

/**
 * Return what a job's notebook is called. A kernel that tells it knows it from the open notebook;
 * the server knows what it was called when the job was sent.
 */
function pathOf(
  row: IRow,
  before: IRow | undefined,
  source: string
): string | null {
  const [first, then] =
    source === SERVER ? [before?.path, row.path] : [row.path, before?.path];
  return first ?? then ?? null;
}
