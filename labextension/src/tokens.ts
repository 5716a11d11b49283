/** What the plugins give each other; no behaviour. */

import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Token } from '@lumino/coreutils';
import type { JobsModel } from './model';
import type {
  Action,
  IChoices,
  ILogPart,
  IRow,
  IRows,
  KernelMessage,
  Stream
} from './protocol';

export const IJobs = new Token<IJobs>(
  'nbsubmit:IJobs',
  'The jobs that were sent from notebooks, and what can be done with them.'
);

/** A part of a log, and of which. */
export interface ILogQuery {
  readonly stream: Stream;
  /** From which byte on; without it the end. */
  readonly offset?: number;
  /** How many bytes at most. */
  readonly limit: number;
  /** Of which task of an array. */
  readonly task?: string;
}

/** Who keeps the page told, and whether it does. */
export type Serving = 'unknown' | 'there' | 'absent' | 'failing';

export interface IJobs {
  readonly model: JobsModel;

  /** Whether the server's part is there. */
  readonly serving: Serving;
  /** Why it is failing, or empty. */
  readonly trouble: string;
  /** What a person should know besides the jobs. */
  readonly remarks: readonly string[];
  /** One of these is different from what it was. */
  readonly statusChanged: ISignal<IJobs, void>;

  /** Ask for all jobs now. */
  refresh(): Promise<void>;
  /** Keep the jobs up to date until it is disposed: somebody looks at them. */
  watch(): IDisposable;

  /** Whether an action makes sense, and there is somebody to do it. */
  can(action: Action, row: IRow): boolean;
  /** Do it, and return what became of it in words. */
  act(action: Action, row: IRow): Promise<string>;

  /** Whether the kernel of a notebook has its part of nbsubmit. */
  isLoaded(path: string): boolean;

  /** Whether logs can be read. */
  readonly hasLogs: boolean;
  log(row: Pick<IRow, 'id' | 'store'>, query: ILogQuery): Promise<ILogPart>;
  /** What a cell can ask for here; null if nobody can tell. */
  choices(): Promise<IChoices | null>;
}

/** The server's part of nbsubmit. */
export interface IServer {
  jobs(): Promise<IRows>;
  act(action: Action, row: IRow): Promise<string>;
  log(row: Pick<IRow, 'id' | 'store'>, query: ILogQuery): Promise<ILogPart>;
  choices(): Promise<IChoices>;
}

/** A kernel's part of nbsubmit. */
export interface IKernel {
  /** Tells it from other kernels. */
  readonly source: string;
  readonly isOpen: boolean;
  /** The notebook that it belongs to. */
  readonly path: string;
  /** Whether a job is of the notebook that it belongs to. */
  owns(row: IRow): boolean;
  send(message: Readonly<Record<string, string>>): void;
  readonly said: ISignal<IKernel, KernelMessage>;
  /** It was closed, or another one took its place. */
  readonly closed: ISignal<IKernel, void>;
}
