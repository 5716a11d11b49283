import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Badges } from '../badges';
import { CommandIDs } from '../commandIds';
import { args } from '../sidebar';
import { IJobs } from '../tokens';

/** The state of a cell's last job on the cell. */
export const badge: JupyterFrontEndPlugin<void> = {
  id: 'nbsubmit:badge',
  description: "Shows the state of a cell's last job on the cell.",
  autoStart: true,
  requires: [IJobs, INotebookTracker],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    jobs: IJobs,
    notebooks: INotebookTracker,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('nbsubmit');
    const decorate = (panel: NotebookPanel): void => {
      new Badges(panel, jobs, trans, row => {
        void app.commands.execute(CommandIDs.log, args(row));
      });
    };
    notebooks.forEach(decorate);
    notebooks.widgetAdded.connect((_, panel) => decorate(panel));
  }
};
