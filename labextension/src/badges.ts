/** The state of the job that a cell sent last, on that cell. */

import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import { duration, fraction, mood } from './format';
import type { IRow } from './protocol';
import type { IJobs } from './tokens';
import { description, stateWord } from './words';

const BADGE = 'nbsubmit-badge';

/** The badges of one notebook. */
export class Badges implements IDisposable {
  /**
   * @param panel - The notebook.
   * @param jobs - What is known of jobs.
   * @param open - Opens a job's log.
   */
  constructor(
    private readonly panel: NotebookPanel,
    private readonly jobs: IJobs,
    private readonly trans: TranslationBundle,
    private readonly open: (row: IRow) => void
  ) {
    jobs.model.changed.connect(this.#soon, this);
    panel.context.pathChanged.connect(this.#soon, this);
    panel.content.modelChanged.connect(this.#onModel, this);
    panel.disposed.connect(this.dispose, this);
    this.#onModel();
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  dispose(): void {
    if (!this.#isDisposed) {
      this.#isDisposed = true;
      cancelAnimationFrame(this.#frame);
      Signal.clearData(this);
    }
  }

  #onModel(): void {
    this.panel.content.model?.cells.changed.connect(this.#soon, this);
    this.#soon();
  }

  /** Draw them once, however much has changed until then. */
  #soon(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#update());
  }

  #update(): void {
    if (this.#isDisposed || this.panel.isDisposed) {
      return;
    }
    const rows = this.jobs.model.ofCells(this.panel.context.localPath);
    for (const cell of this.panel.content.widgets) {
      const row = rows.get(cell.model.id);
      const host = cell.inputArea?.editorWidget.node;
      if (row === undefined || cell.model.type !== 'code') {
        host?.querySelector(`:scope > .${BADGE}`)?.remove();
        continue;
      }
      if (!this.#seen.has(cell)) {
        // One that was never in sight has no editor yet.
        this.#seen.add(cell);
        cell.inViewportChanged.connect(this.#soon, this);
        void cell.ready.then(() => this.#soon());
      }
      if (host && cell.inViewport) {
        this.#draw(host, row);
      }
    }
  }

  #draw(host: HTMLElement, row: IRow): void {
    let badge = host.querySelector<HTMLButtonElement>(`:scope > .${BADGE}`);
    if (badge === null) {
      badge = document.createElement('button');
      badge.className = BADGE;
      badge.type = 'button';
    }
    if (host.lastChild !== badge) {
      host.append(badge);
    }
    const text = this.#words(row);
    if (badge.textContent !== text) {
      badge.textContent = text;
    }
    badge.title = description(row, this.trans);
    badge.dataset.mood = mood(row.state);
    badge.dataset.id = row.id;
    badge.setAttribute(
      'aria-label',
      this.trans.__('Job of this cell: %1. Show its log.', text)
    );
    badge.onclick = () => this.open(row);
  }

  #words(row: IRow): string {
    const state = stateWord(row.state, this.trans);
    if (!row.live) {
      return row.seconds > 0 ? `${state} · ${duration(row.seconds)}` : state;
    }
    const part = row.progress && fraction(row.progress);
    return typeof part === 'number'
      ? `${state} · ${Math.floor(100 * part)} %`
      : state;
  }

  readonly #seen = new WeakSet<Cell>();
  #frame = 0;
  #isDisposed = false;
}
