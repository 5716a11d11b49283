/** Keeps the model told by the server and by kernels, and has them act. */

import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { type IPoll, Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import { textOf } from './format';
import { JobsModel, SERVER } from './model';
import {
  type Action,
  type IChoices,
  type ILogPart,
  type IRow,
  type KernelMessage,
  rowsOf
} from './protocol';
import type { IJobs, IKernel, ILogQuery, IServer, Serving } from './tokens';

const AGAIN_MS = 3000;
const MOST_TIMES = 5;

export interface IOptions {
  readonly server: IServer;
  /** Whether an error of the server means that there is no part of ours. */
  readonly isAbsence: (error: unknown) => boolean;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Seconds between two looks while somebody looks or a job lives. */
  readonly seconds: number;
  /** What is told to a person, translated. */
  readonly words: {
    readonly nobody: string;
  };
}

/** What a kernel was asked and has not answered. */
interface IAsked {
  readonly kernel: IKernel;
  readonly answer: (ok: boolean, message: string) => void;
}

export class Jobs implements IJobs {
  constructor(private readonly options: IOptions) {
    this.model = new JobsModel(options.now);
    this.model.changed.connect(() => this.#attend());
    this.#poll = new Poll({
      auto: false,
      name: 'nbsubmit:jobs',
      factory: () => this.#look(),
      frequency: frequency(options.seconds),
      standby: 'when-hidden'
    });
  }

  readonly model: JobsModel;

  get serving(): Serving {
    return this.#serving;
  }

  get trouble(): string {
    return this.#trouble;
  }

  get remarks(): readonly string[] {
    return this.#remarks;
  }

  get statusChanged(): ISignal<this, void> {
    return this.#statusChanged;
  }

  get hasLogs(): boolean {
    return this.#serving !== 'absent';
  }

  /** Seconds between two looks. */
  set seconds(seconds: number) {
    this.#poll.frequency = frequency(seconds);
  }

  async refresh(): Promise<void> {
    await this.#look().catch(() => undefined);
    this.#attend();
  }

  watch(): IDisposable {
    this.#watchers += 1;
    void this.refresh();
    return new DisposableDelegate(() => {
      this.#watchers -= 1;
      this.#attend();
    });
  }

  /** Look no more. */
  dispose(): void {
    this.#poll.dispose();
  }

  can(action: Action, row: IRow): boolean {
    return row.can.includes(action) && this.#doer(action, row) !== null;
  }

  async act(action: Action, row: IRow): Promise<string> {
    const doer = this.#doer(action, row);
    if (doer === null) {
      throw new Error(this.options.words.nobody);
    }
    const said = await doer();
    void this.refresh();
    return said;
  }

  isLoaded(path: string): boolean {
    return [...this.#kernels].some(each => each.isOpen && each.path === path);
  }

  log(row: Pick<IRow, 'id' | 'store'>, query: ILogQuery): Promise<ILogPart> {
    return this.options.server.log(row, query);
  }

  async choices(): Promise<IChoices | null> {
    return this.#serving === 'absent' ? null : this.options.server.choices();
  }

  /** The server's event bus has said something. */
  heard(message: unknown): void {
    try {
      const { rows, gone } = rowsOf(message);
      this.model.gone(gone);
      this.model.tell(SERVER, rows, true);
    } catch (error) {
      this.#status('failing', textOf(error), this.#remarks);
    }
  }

  /** A kernel is there to tell of its notebook's jobs. */
  add(kernel: IKernel): void {
    this.#kernels.add(kernel);
    kernel.said.connect(this.#onSaid, this);
    kernel.closed.connect(this.#onClosed, this);
    kernel.send({ kind: 'snapshot' });
    this.#statusChanged.emit();
  }

  #onSaid(kernel: IKernel, message: KernelMessage): void {
    if (message.kind === 'reply') {
      const asked = this.#asked.get(message.to);
      this.#asked.delete(message.to);
      asked?.answer(message.ok, message.message);
      return;
    }
    if (message.gone.length) {
      this.model.gone(message.gone);
    }
    this.model.tell(kernel.source, message.rows, message.kind === 'event');
  }

  #onClosed(kernel: IKernel): void {
    this.#kernels.delete(kernel);
    kernel.said.disconnect(this.#onSaid, this);
    kernel.closed.disconnect(this.#onClosed, this);
    for (const [number, asked] of this.#asked) {
      if (asked.kernel === kernel) {
        this.#asked.delete(number);
        asked.answer(false, this.options.words.nobody);
      }
    }
    this.model.forget(kernel.source);
    this.#statusChanged.emit();
    // What the kernel alone has told so far the server may know too.
    void this.refresh();
  }

  /** Return what has an action done; null if there is nobody to do it. */
  #doer(action: Action, row: IRow): (() => Promise<string>) | null {
    const { server } = this.options;
    const kernel = [...this.#kernels].find(
      each => each.isOpen && each.owns(row)
    );
    // A kernel that is busy hears of it late. Bringing names in is for it alone, and it has to let
    // go itself of a job that it has open.
    const isKernels =
      action === 'attach' || (action === 'clean' && kernel !== undefined);
    if (this.#serving === 'there' && !isKernels) {
      return () => server.act(action, row);
    }
    if (kernel) {
      return () => this.#tellKernel(kernel, action, row);
    }
    return null;
  }

  #tellKernel(kernel: IKernel, kind: Action, row: IRow): Promise<string> {
    this.#count += 1;
    const number = `${this.#page}-${this.#count}`;
    return new Promise((resolve, reject) => {
      // A kernel that has just been restarted may miss a message; by its number it knows one that
      // comes twice.
      let times = 0;
      const send = (): void => {
        kernel.send({ kind, id: row.id, store: row.store, number });
        times += 1;
        if (times >= MOST_TIMES) {
          clearInterval(again);
        }
      };
      const again = setInterval(send, AGAIN_MS);
      const answer = (ok: boolean, message: string): void => {
        clearInterval(again);
        if (ok) {
          resolve(message);
        } else {
          reject(new Error(message));
        }
      };
      this.#asked.set(number, { kernel, answer });
      send();
    });
  }

  async #look(): Promise<void> {
    if (this.#serving === 'absent') {
      return;
    }
    try {
      const { rows, remarks } = await this.options.server.jobs();
      const isNews = this.#serving === 'there';
      this.#wasThere = true;
      this.#status('there', '', remarks);
      this.model.tellAll(SERVER, rows, isNews);
    } catch (error) {
      // A hub says the same while it has put the server to sleep.
      const isAbsent = this.options.isAbsence(error) && !this.#wasThere;
      this.#status(isAbsent ? 'absent' : 'failing', textOf(error), []);
      if (!isAbsent) {
        throw error;
      }
    }
  }

  #status(serving: Serving, trouble: string, remarks: readonly string[]): void {
    this.#serving = serving;
    this.#trouble = trouble;
    this.#remarks = remarks;
    this.#statusChanged.emit();
  }

  /** Look from time to time while somebody looks or a job lives, and at no other time. */
  #attend(): void {
    const isWanted =
      this.#serving !== 'absent' && (this.#watchers > 0 || this.model.isLive);
    if (isWanted === this.#attends) {
      return;
    }
    this.#attends = isWanted;
    void (isWanted ? this.#poll.start() : this.#poll.stop());
  }

  readonly #poll: Poll;
  readonly #kernels = new Set<IKernel>();
  readonly #asked = new Map<string, IAsked>();
  readonly #page = Math.random().toString(36).slice(2, 10);
  readonly #statusChanged = new Signal<this, void>(this);
  #serving: Serving = 'unknown';
  #trouble = '';
  #remarks: readonly string[] = [];
  #watchers = 0;
  #attends = false;
  #wasThere = false;
  #count = 0;
}

/** Return how often to look: less and less often while that fails. */
function frequency(seconds: number): IPoll.Frequency {
  const interval = seconds * 1000;
  return { interval, backoff: true, max: 10 * interval };
}
