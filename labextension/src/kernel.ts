/** The comm of one notebook's kernel: found again after a reload, opened anew after a restart. */

import type { ISessionContext } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import {
  COMM_TARGET,
  type IRow,
  type KernelMessage,
  kernelMessage
} from './protocol';
import type { IKernel } from './tokens';

/** One open comm. */
export class KernelComm implements IKernel {
  constructor(
    private readonly comm: Kernel.IComm,
    private readonly panel: NotebookPanel
  ) {
    comm.onMsg = message => this.#hear(message.content.data);
    comm.onClose = () => this.close();
  }

  get source(): string {
    return `comm:${this.comm.commId}`;
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  get said(): ISignal<this, KernelMessage> {
    return this.#said;
  }

  get closed(): ISignal<this, void> {
    return this.#closed;
  }

  owns(row: IRow): boolean {
    return this.#ids.has(row.id) || row.path === this.path;
  }

  send(message: Readonly<Record<string, string>>): void {
    if (this.isOpen && !this.comm.isDisposed) {
      this.comm.send({ ...message });
    }
  }

  close(): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#closed.emit();
      Signal.clearData(this);
    }
  }

  get path(): string {
    return this.panel.context.localPath;
  }

  #hear(data: unknown): void {
    const message = kernelMessage(data);
    if (message === null) {
      return;
    }
    if (message.kind === 'reply') {
      this.#said.emit(message);
      return;
    }
    const rows = message.rows.map(row => this.#localised(row));
    rows.forEach(row => this.#ids.add(row.id));
    this.#said.emit({ ...message, rows });
  }

  /** A kernel does not know what the server calls its notebook. */
  #localised(row: IRow): IRow {
    const cells = this.panel.context.model.sharedModel.cells;
    const isHere = cells.some(cell => cell.id === row.cell);
    return row.path === null && isHere ? { ...row, path: this.path } : row;
  }

  readonly #ids = new Set<string>();
  readonly #said = new Signal<this, KernelMessage>(this);
  readonly #closed = new Signal<this, void>(this);
  #isClosed = false;
}

/** Finds the comm of whatever kernel a notebook has. */
export class KernelWatch implements IDisposable {
  /**
   * @param panel - The notebook.
   * @param found - Is called with each comm that opens.
   */
  constructor(
    private readonly panel: NotebookPanel,
    private readonly found: (kernel: IKernel) => void
  ) {
    this.#session.kernelChanged.connect(this.#onKernel, this);
    this.#session.statusChanged.connect(this.#onStatus, this);
    panel.disposed.connect(this.dispose, this);
    this.#onKernel();
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  dispose(): void {
    if (!this.#isDisposed) {
      this.#isDisposed = true;
      this.#close();
      Signal.clearData(this);
    }
  }

  get #session(): ISessionContext {
    return this.panel.sessionContext;
  }

  #onKernel(): void {
    this.#close();
    const kernel = this.#session.session?.kernel;
    if (!kernel?.handleComms) {
      return;
    }
    kernel.registerCommTarget(COMM_TARGET, comm => this.#open(comm));
    void this.#reattach(kernel);
  }

  #onStatus(_session: ISessionContext, status: Kernel.Status): void {
    if (
      ['restarting', 'autorestarting', 'dead', 'terminating'].includes(status)
    ) {
      this.#close();
    }
  }

  /** There is one: the kernel has opened it as its extension was loaded, or it was found. */
  #open(comm: Kernel.IComm): void {
    this.#close();
    this.#comm = new KernelComm(comm, this.panel);
    this.found(this.#comm);
  }

  /** One is open already: the page was loaded anew, or the notebook opened again. */
  async #reattach(kernel: Kernel.IKernelConnection): Promise<void> {
    const reply = await kernel
      .requestCommInfo({ target_name: COMM_TARGET })
      .catch(() => null);
    if (reply?.content.status !== 'ok' || this.#isDisposed || this.#comm) {
      return;
    }
    const id = Object.keys(reply.content.comms).pop();
    if (id !== undefined && !kernel.isDisposed && !kernel.hasComm(id)) {
      this.#open(kernel.createComm(COMM_TARGET, id));
    }
  }

  #close(): void {
    this.#comm?.close();
    this.#comm = null;
  }

  #comm: KernelComm | null = null;
  #isDisposed = false;
}
