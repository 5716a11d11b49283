/** Which part of a log is shown. */

import type { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ToolbarButton } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import type { LogView } from './logView';

type Choices = readonly (readonly [string, string])[];

export function addLogToolbar(
  widget: MainAreaWidget<LogView>,
  trans: TranslationBundle
): void {
  const { content, toolbar } = widget;
  const stream = new Select(trans.__('Which output'), value =>
    content.choose({ stream: value === 'stderr' ? 'stderr' : 'stdout' })
  );
  const task = new Select(trans.__('Which task'), value =>
    content.choose({ task: value })
  );
  const update = (): void => {
    stream.offer(
      [
        ['stdout', trans.__('Output')],
        ['stderr', trans.__('Errors')]
      ],
      content.args.stream
    );
    task.offer(
      content.tasks.map(each => [each, trans.__('Task %1', each)]),
      content.args.task
    );
  };
  content.argsChanged.connect(update);
  update();
  toolbar.addItem('stream', stream);
  toolbar.addItem('task', task);
  toolbar.addItem(
    'beginning',
    new ToolbarButton({
      label: trans.__('Beginning'),
      tooltip: trans.__('Read from the beginning'),
      onClick: () => content.toBeginning()
    })
  );
  toolbar.addItem(
    'end',
    new ToolbarButton({
      label: trans.__('End'),
      tooltip: trans.__('Show the end, and go with it'),
      onClick: () => content.toEnd()
    })
  );
}

/** A choice out of a few, hidden where there is none. */
class Select extends Widget {
  constructor(label: string, choose: (value: string) => void) {
    super();
    this.addClass('nbsubmit-Select');
    this.#select.className = 'jp-mod-styled';
    this.#select.setAttribute('aria-label', label);
    this.#select.onchange = () => choose(this.#select.value);
    this.node.append(this.#select);
  }

  offer(choices: Choices, value: string): void {
    this.#select.replaceChildren(
      ...choices.map(([each, label]) => new Option(label, each))
    );
    this.#select.value = value;
    this.setHidden(!choices.length);
  }

  readonly #select = document.createElement('select');
}
