import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Dialog,
  ICommandPalette,
  Notification,
  showDialog
} from '@jupyterlab/apputils';
import type { CodeCell } from '@jupyterlab/cells';
import {
  INotebookTracker,
  NotebookActions,
  type NotebookPanel
} from '@jupyterlab/notebook';
import {
  ITranslator,
  type TranslationBundle,
  nullTranslator
} from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { CommandIDs } from '../commandIds';
import { type IRequest, NAMES, edit, isRight, read } from '../fields';
import { Form } from '../form';
import { runIcon } from '../icons';
import { OpenQuotation, lineOf } from '../line';
import { LOAD, load } from '../loading';
import { IJobs } from '../tokens';

const RUN = 'run';

/** Asks what a cell is to have, and writes that on its first line. */
export const run: JupyterFrontEndPlugin<void> = {
  id: 'nbsubmit:run',
  description: 'Makes a cell a job: a form that writes its %%slurm line.',
  autoStart: true,
  requires: [IJobs, INotebookTracker],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    jobs: IJobs,
    notebooks: INotebookTracker,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('nbsubmit');
    const target = (): [NotebookPanel, CodeCell] | null => {
      const panel = notebooks.currentWidget;
      const cell = panel?.content.activeCell;
      return panel && cell?.model.type === 'code'
        ? [panel, cell as CodeCell]
        : null;
    };
    app.commands.addCommand(CommandIDs.run, {
      label: trans.__('Run Cell on Slurm…'),
      caption: trans.__('Run this cell as a job on Slurm…'),
      icon: runIcon,
      isEnabled: () => target() !== null,
      execute: async () => {
        const found = target();
        if (found) {
          await offer(...found, jobs, trans);
        }
      }
    });
    const changed = (): void =>
      app.commands.notifyCommandChanged(CommandIDs.run);
    notebooks.currentChanged.connect(changed);
    notebooks.activeCellChanged.connect(changed);
    palette?.addItem({
      command: CommandIDs.run,
      category: trans.__('Slurm')
    });
  }
};

async function offer(
  panel: NotebookPanel,
  cell: CodeCell,
  jobs: IJobs,
  trans: TranslationBundle
): Promise<void> {
  const source = cell.model.sharedModel;
  const before = source.getSource();
  let request: IRequest;
  try {
    request = read(before);
  } catch (error) {
    if (!(error instanceof OpenQuotation)) {
      throw error;
    }
    await showDialog({
      title: trans.__("This cell's line cannot be read"),
      body: trans.__('A quotation on it has no end: %1', error.message),
      buttons: [Dialog.okButton()]
    });
    return;
  }
  const choices = await jobs.choices().catch(() => null);
  const loads = !jobs.isLoaded(panel.context.localPath);
  const notes = [
    ...(choices?.remarks ?? []),
    ...(loads
      ? [
          trans.__(
            'nbsubmit is not loaded in this kernel: %1 is run first.',
            LOAD
          )
        ]
      : [])
  ];
  let asked: IAsked | null = { request, runs: false };
  do {
    const form = { trans, request: asked.request, choices, notes };
    asked = await ask(new Form(form), trans);
  } while (asked !== null && hasWrong(asked.request));
  if (asked === null || cell.isDisposed) {
    return;
  }
  const { start, end, text } = edit(source.getSource(), asked.request);
  source.updateSource(start, end, text);
  const now = source.getSource();
  if (asked.runs && !now.slice(lineOf(now)?.end).trim()) {
    Notification.warning(
      trans.__('There is nothing to run: the code goes below the line.'),
      { autoClose: 5000 }
    );
  } else if (asked.runs) {
    if (loads) {
      await load(panel);
    }
    panel.content.activeCellIndex = panel.content.widgets.indexOf(cell);
    panel.content.deselectAll();
    await NotebookActions.run(panel.content, panel.sessionContext);
  }
}

interface IAsked {
  readonly request: IRequest;
  readonly runs: boolean;
}

/** A dialog that hears keys from the start: its fields are there a moment later. */
class FormDialog extends Dialog<IRequest> {
  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.node.tabIndex = -1;
    this.node.focus();
  }
}

async function ask(
  body: Form,
  trans: TranslationBundle
): Promise<IAsked | null> {
  const dialog = new FormDialog({
    title: trans.__('Run on Slurm'),
    body,
    buttons: [
      Dialog.cancelButton(),
      Dialog.createButton({
        label: trans.__('Write the line'),
        caption: trans.__('Write it into the cell, run nothing')
      }),
      Dialog.okButton({ label: trans.__('Run'), actions: [RUN] })
    ],
    defaultButton: 2,
    focusNodeSelector: '[name=gpus]'
  });
  const answer = await dialog.launch();
  const found = answer.value;
  if (!answer.button.accept || found === null) {
    return null;
  }
  return { request: found, runs: answer.button.actions.includes(RUN) };
}

function hasWrong({ values }: IRequest): boolean {
  return NAMES.some(name => !isRight(name, values[name]));
}
