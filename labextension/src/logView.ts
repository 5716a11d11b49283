/** A job's log in a tab: its end as it grows, or from the beginning on. Text, never markup. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { size as sizeWords, textOf } from './format';
import { LogText } from './logText';
import type { ILogPart, Stream } from './protocol';
import type { IJobs, ILogQuery } from './tokens';

/** Whose log it is, and which part of it. */
export interface ILogArgs {
  readonly id: string;
  readonly store: string;
  readonly name: string;
  readonly stream: Stream;
  readonly task: string;
}

export interface ILogOptions {
  readonly jobs: IJobs;
  readonly trans: TranslationBundle;
  readonly args: ILogArgs;
  /** How many characters are kept. */
  readonly characters: number;
}

const PART_BYTES = 256 * 1024;
/** A log of 10,000 lines is 50 elements to lay out, not 10,000. */
const LINES_PER_BLOCK = 200;
const LOOK_MS = 1000;
/** So near to its end, in pixels, a view is taken to be at it. */
const NEAR = 40;

interface IBlock {
  readonly node: HTMLElement;
  /** The number of its first line, counted from where the text begins. */
  readonly first: number;
  readonly lines: string[];
}

export class LogView extends Widget {
  constructor(private readonly options: ILogOptions) {
    super();
    const { trans, args, characters } = options;
    this.addClass('nbsubmit-Log');
    this.#args = args;
    this.#text = new LogText(characters);
    this.#lines = document.createElement('div');
    this.#lines.className = 'nbsubmit-log-lines';
    this.#lines.tabIndex = 0;
    this.#lines.setAttribute('role', 'log');
    // A screen reader is not to read a training's ten thousand lines.
    this.#lines.setAttribute('aria-live', 'off');
    this.#lines.setAttribute('aria-label', trans.__('Log'));
    this.#open = document.createElement('div');
    this.#lines.append(this.#open);
    this.#status = document.createElement('div');
    this.#status.className = 'nbsubmit-log-status';
    this.#status.setAttribute('role', 'status');
    this.node.append(this.#lines, this.#status);
    this.#poll = new Poll({
      auto: false,
      name: `nbsubmit:log:${args.id}`,
      factory: () => this.#look(),
      frequency: { interval: LOOK_MS, backoff: true, max: 30 * LOOK_MS },
      standby: 'when-hidden'
    });
  }

  get args(): ILogArgs {
    return this.#args;
  }

  /** The tasks of an array, by number. */
  get tasks(): readonly string[] {
    return this.#tasks;
  }

  /** Whether it shows the end, and goes with it. */
  get follows(): boolean {
    return this.#follows;
  }

  /** Other text is shown. */
  get textChanged(): ISignal<this, void> {
    return this.#textChanged;
  }

  /** Another part is shown, or there are other tasks. */
  get argsChanged(): ISignal<this, ILogArgs> {
    return this.#argsChanged;
  }

  /** The elements that have the text, one text node in each. */
  get blocks(): HTMLElement[] {
    return [...this.#blocks.map(block => block.node), this.#open];
  }

  /** Show another stream or task. */
  choose(part: Partial<Pick<ILogArgs, 'stream' | 'task'>>): void {
    this.#args = { ...this.#args, ...part };
    this.#argsChanged.emit(this.#args);
    this.toEnd();
  }

  /** Show the end, and go with it. */
  toEnd(): void {
    this.#restart(null, true);
  }

  /** Show the beginning; what comes next follows as one scrolls to it. */
  toBeginning(): void {
    this.#restart(0, false);
  }

  override dispose(): void {
    this.#poll.dispose();
    super.dispose();
  }

  handleEvent(event: Event): void {
    if (event.type === 'scroll') {
      this.#onScroll();
    }
  }

  protected override onAfterAttach(): void {
    this.#lines.addEventListener('scroll', this);
    this.toEnd();
  }

  protected override onBeforeDetach(): void {
    this.#lines.removeEventListener('scroll', this);
    void this.#poll.stop();
  }

  protected override onAfterShow(): void {
    void this.#poll.start();
  }

  protected override onBeforeHide(): void {
    void this.#poll.stop();
  }

  protected override onActivateRequest(): void {
    this.#lines.focus();
  }

  #restart(at: number | null, follows: boolean): void {
    this.#at = at;
    this.#follows = follows;
    this.#generation += 1;
    this.#clear();
    void this.#poll.stop().then(() => this.#poll.start());
  }

  async #look(): Promise<void> {
    const generation = this.#generation;
    const { id, store, stream, task } = this.#args;
    const query: ILogQuery = {
      stream,
      limit: PART_BYTES,
      ...(this.#at !== null && { offset: this.#at }),
      ...(task && { task })
    };
    let part: ILogPart;
    try {
      part = await this.options.jobs.log({ id, store }, query);
    } catch (error) {
      if (generation === this.#generation) {
        this.#say(textOf(error), true);
      }
      throw error;
    }
    if (generation === this.#generation && !this.isDisposed) {
      this.#take(part);
    }
  }

  #take(part: ILogPart): void {
    if (this.#at !== null && part.size < this.#at) {
      // It was run again, and writes from the beginning.
      this.toEnd();
      return;
    }
    this.#begin = this.#at === null ? part.offset : this.#begin;
    this.#at = part.next;
    this.#size = part.size;
    this.#live = part.live;
    this.#learnTasks(part);
    if (part.text) {
      this.#text.add(part.text);
      this.#draw();
      this.#textChanged.emit();
    }
    this.#tell();
    const isMore = part.next < part.size && part.text !== '';
    if (isMore && this.#follows) {
      void this.#poll.refresh();
    } else if (!this.#follows || (!part.live && !isMore)) {
      void this.#poll.stop();
    }
  }

  #learnTasks(part: ILogPart): void {
    const isNew = part.tasks.length !== this.#tasks.length;
    this.#tasks = part.tasks;
    if (isNew || part.task !== this.#args.task) {
      this.#args = { ...this.#args, task: part.task };
      this.#argsChanged.emit(this.#args);
    }
  }

  #clear(): void {
    this.#text.clear();
    this.#blocks.forEach(block => block.node.remove());
    this.#blocks = [];
    this.#open.textContent = '';
    this.#drawn = 0;
    this.#begin = 0;
    this.#textChanged.emit();
  }

  #draw(): void {
    const { lines, dropped } = this.#text;
    const isAtEnd = this.#isNearEnd;
    const firstChanged = Math.max(0, this.#blocks.length - 1);
    for (const line of lines.slice(Math.max(0, this.#drawn - dropped))) {
      this.#place(line);
    }
    this.#blocks.slice(firstChanged).forEach(block => {
      block.node.textContent = `${block.lines.join('\n')}\n`;
    });
    if (this.#open.textContent !== this.#text.open) {
      this.#open.textContent = this.#text.open;
    }
    const gone = this.#blocks.filter(
      block => block.first + block.lines.length <= dropped
    );
    gone.forEach(block => block.node.remove());
    this.#blocks = this.#blocks.slice(gone.length);
    if (this.#follows && isAtEnd) {
      this.#lines.scrollTop = this.#lines.scrollHeight;
    }
  }

  #place(line: string): void {
    let block = this.#blocks[this.#blocks.length - 1];
    if (block === undefined || block.lines.length >= LINES_PER_BLOCK) {
      const node = document.createElement('div');
      block = { node, first: this.#drawn, lines: [] };
      this.#blocks.push(block);
      this.#open.before(node);
    }
    block.lines.push(line);
    this.#drawn += 1;
  }

  get #isNearEnd(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.#lines;
    return scrollTop + clientHeight >= scrollHeight - NEAR;
  }

  #onScroll(): void {
    const isMore = this.#at !== null && this.#at < this.#size;
    if (!this.#follows && isMore && this.#isNearEnd) {
      void this.#poll.refresh();
    }
  }

  #tell(): void {
    const { trans } = this.options;
    const all = sizeWords(this.#size);
    if (this.#size === 0) {
      this.#say(
        this.#live
          ? trans.__('Nothing was written yet.')
          : trans.__('Nothing was written.')
      );
    } else if (this.#begin > 0 || this.#text.dropped > 0) {
      const which = this.#follows ? trans.__('The end') : trans.__('A part');
      this.#say(trans.__('%1 of %2. %3', which, all, this.#liveWords));
    } else if ((this.#at ?? 0) < this.#size) {
      this.#say(trans.__('The beginning of %1.', all));
    } else {
      this.#say(trans.__('All of %1. %2', all, this.#liveWords));
    }
  }

  get #liveWords(): string {
    const { trans } = this.options;
    return this.#live
      ? trans.__('The job goes on.')
      : trans.__('It has ended.');
  }

  #say(text: string, isTrouble = false): void {
    this.#status.textContent = text;
    this.#status.classList.toggle('nbsubmit-trouble', isTrouble);
  }

  readonly #lines: HTMLElement;
  readonly #open: HTMLElement;
  readonly #status: HTMLElement;
  readonly #text: LogText;
  readonly #poll: Poll;
  readonly #textChanged = new Signal<this, void>(this);
  readonly #argsChanged = new Signal<this, ILogArgs>(this);
  #args: ILogArgs;
  #tasks: readonly string[] = [];
  #blocks: IBlock[] = [];
  #drawn = 0;
  #follows = true;
  #generation = 0;
  #at: number | null = null;
  #begin = 0;
  #size = 0;
  #live = true;
}
