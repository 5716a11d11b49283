/** JupyterLab's search in a log, which may grow meanwhile: its text is marked, not changed. */

import { MainAreaWidget } from '@jupyterlab/apputils';
import {
  type ISearchMatch,
  type ISearchProviderFactory,
  SearchProvider
} from '@jupyterlab/documentsearch';
import type { Widget } from '@lumino/widgets';
import { LogView } from './logView';

const FOUND = 'nbsubmit-found';
const CURRENT = 'nbsubmit-found-current';
/** More are not marked. */
const MOST = 10_000;

export class LogSearch extends SearchProvider<MainAreaWidget<LogView>> {
  constructor(widget: MainAreaWidget<LogView>) {
    super(widget);
    widget.content.textChanged.connect(this.#onText, this);
  }

  override get currentMatchIndex(): number | null {
    return this.#current;
  }

  override get matchesCount(): number {
    return this.#ranges.length;
  }

  readonly isReadOnly = true;

  override dispose(): void {
    if (!this.isDisposed) {
      this.widget.content.textChanged.disconnect(this.#onText, this);
      void this.endQuery();
      super.dispose();
    }
  }

  startQuery(query: RegExp | null): Promise<void> {
    // JupyterLab asks for the same again as its field is settled.
    const isNew = String(query) !== String(this.#query);
    this.#query = query;
    if (isNew) {
      this.#current = null;
    }
    this.#find();
    return isNew ? this.#go(1, true).then(() => undefined) : Promise.resolve();
  }

  endQuery(): Promise<void> {
    this.#query = null;
    this.#ranges = [];
    return this.clearHighlight();
  }

  clearHighlight(): Promise<void> {
    this.#current = null;
    this.#mark();
    return Promise.resolve();
  }

  highlightNext(loop = true): Promise<ISearchMatch | undefined> {
    return this.#go(1, loop);
  }

  highlightPrevious(loop = true): Promise<ISearchMatch | undefined> {
    return this.#go(-1, loop);
  }

  replaceCurrentMatch(): Promise<boolean> {
    return Promise.resolve(false);
  }

  replaceAllMatches(): Promise<boolean> {
    return Promise.resolve(false);
  }

  #onText(): void {
    if (this.#query) {
      this.#find();
      this._stateChanged.emit();
    }
  }

  #find(): void {
    this.#ranges = this.#query
      ? this.widget.content.blocks.flatMap(block => found(block, this.#query))
      : [];
    this.#ranges.length = Math.min(this.#ranges.length, MOST);
    if (this.#current !== null && this.#current >= this.#ranges.length) {
      this.#current = null;
    }
    this.#mark();
  }

  #go(step: number, loop: boolean): Promise<ISearchMatch | undefined> {
    const count = this.#ranges.length;
    const from = this.#current ?? (step > 0 ? -1 : count);
    const next = loop ? (from + step + count) % count : from + step;
    const range = this.#ranges[next];
    if (range === undefined) {
      return Promise.resolve(undefined);
    }
    this.#current = next;
    this.#mark();
    range.startContainer.parentElement?.scrollIntoView({ block: 'nearest' });
    scrollTo(range);
    return Promise.resolve({ text: range.toString(), position: next });
  }

  #mark(): void {
    const current =
      this.#current === null ? undefined : this.#ranges[this.#current];
    // Browsers that cannot mark text show the current match as selected.
    if (typeof Highlight === 'undefined') {
      const selection = document.getSelection();
      selection?.removeAllRanges();
      if (current) {
        selection?.addRange(current);
      }
      return;
    }
    CSS.highlights.set(FOUND, new Highlight(...this.#ranges));
    CSS.highlights.set(CURRENT, new Highlight(...(current ? [current] : [])));
  }

  #query: RegExp | null = null;
  #ranges: Range[] = [];
  #current: number | null = null;
}

function isLog(widget: Widget): widget is MainAreaWidget<LogView> {
  return widget instanceof MainAreaWidget && widget.content instanceof LogView;
}

export const logSearch: ISearchProviderFactory = {
  createNew: widget => new LogSearch(widget as MainAreaWidget<LogView>),
  isApplicable: isLog
};

function found(block: HTMLElement, query: RegExp | null): Range[] {
  const node = block.firstChild;
  if (query === null || node === null) {
    return [];
  }
  const flags = query.flags.includes('g') ? query.flags : `${query.flags}g`;
  const all = (node.textContent ?? '').matchAll(new RegExp(query, flags));
  return [...all]
    .filter(match => match[0] !== '')
    .map(match => {
      const range = document.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      return range;
    });
}

function scrollTo(range: Range): void {
  const scroller = range.startContainer.parentElement?.parentElement;
  if (scroller) {
    const [text, box] = [range, scroller].map(each =>
      each.getBoundingClientRect()
    ) as [DOMRect, DOMRect];
    if (text.top < box.top || text.bottom > box.bottom) {
      scroller.scrollTop += text.top - box.top - box.height / 2;
    }
  }
}
