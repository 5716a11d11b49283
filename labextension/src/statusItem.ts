/** How many jobs run and wait. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { type ISignal, Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import type { JobsModel } from './model';

export class StatusItem extends Widget {
  constructor(
    private readonly model: JobsModel,
    private readonly trans: TranslationBundle,
    open: () => void
  ) {
    super();
    this.addClass('nbsubmit-Status');
    this.#button.type = 'button';
    this.#button.title = trans.__('Show the jobs sent from notebooks');
    this.#button.onclick = open;
    this.node.append(this.#button);
    model.changed.connect(this.#draw, this);
    this.#draw();
  }

  get isActiveChanged(): ISignal<this, void> {
    return this.#isActiveChanged;
  }

  override dispose(): void {
    this.model.changed.disconnect(this.#draw, this);
    super.dispose();
  }

  #draw(): void {
    const { running, pending } = this.model.counts;
    this.#button.textContent = this.trans.__(
      'Jobs: %1 running, %2 pending',
      running,
      pending
    );
    if (this.#isLive !== this.model.isLive) {
      this.#isLive = this.model.isLive;
      this.#isActiveChanged.emit();
    }
  }

  readonly #button = document.createElement('button');
  readonly #isActiveChanged = new Signal<this, void>(this);
  #isLive = false;
}
